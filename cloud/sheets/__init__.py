"""CSV files as people export them: columns that say what may stand in them, problems by file, line and column."""
