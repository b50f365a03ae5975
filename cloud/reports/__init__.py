"""Reports: availability, lesson-minutes, provider evidence and capacity, on screen, on paper and as tables."""
