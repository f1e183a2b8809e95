"""The image server: a front that reads URLs and never a picture, and workers that read pictures and nothing else."""
