"""The calls that a first discovery takes without a token, and the time that GitHub's limits make of them.

The limits are those that GitHub documents: ten searches a minute and sixty other calls an hour without a token, thirty
and five thousand with one (docs.github.com, "Rate limits for the REST API" and "Search").
"""

import math

SEARCHES_A_MINUTE, CALLS_AN_HOUR = 10, 60

SEARCHES_FOR = 12
"""Searches for a thousand repositories: a hundred a page, and some to cut them into slices."""


def describe_first_calls(topics: int, names: int, limit: int | None) -> str:
    """A sentence for people, or nothing where GitHub is not asked.

    Args:
        topics: how many are searched.
        names: repositories that are named one by one, each of which costs a call.
        limit: `max_repositories`. It bounds what is fetched, and no search.
    """
    if not topics and not names:
        return ""
    told = [f"No GITHUB_TOKEN: GitHub allows {SEARCHES_A_MINUTE} searches a minute and {CALLS_AN_HOUR} calls an hour."]
    if topics:
        minutes = math.ceil(SEARCHES_FOR * 2 / SEARCHES_A_MINUTE)
        searched = "1 topic" if topics == 1 else f"{topics} topics"
        told.append(
            f"The search for {searched} takes about {SEARCHES_FOR} searches for each 1,000 repositories, "
            f"so some {minutes} minutes for 2,000."
        )
    if names:
        hours = math.ceil(names / CALLS_AN_HOUR)
        wait = "" if hours == 1 else f", which are found over {hours} hours"
        told.append(f"{names} names take a call each{wait}.")
    if limit is None:
        told.append("Then all are fetched and scanned, and bars say how long it takes. `--limit 10` tries it with few.")
    return " ".join(told)
