"""The parts of scripts/study_cheaper."""
