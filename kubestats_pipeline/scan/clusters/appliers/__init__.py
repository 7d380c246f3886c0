"""The objects that apply others, as the walk reads them: each module tells what those of one tool apply."""
