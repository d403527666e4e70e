"""What scripts/study_choosing is made of."""
