"""Answers of the published file for people: tables that fit a terminal, its pager, and the commands that ask."""
