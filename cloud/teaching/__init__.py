"""Teaching: lessons in session, who is there, what was answered, and the lesson's story afterwards."""
