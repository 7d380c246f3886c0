"""Keeps the disk use bounded: what nothing needs any more is removed, once a day and by `kubestats clean`.

`leftovers.py` takes what killed processes left, `mirrors.py` the mirrors of repositories that are no longer watched,
`run_history.py` old runs from Dagster's own storage. `clean_up.py` makes a job of them. The tables are not touched
here: how long events are kept is a matter of the lake's own retention.
"""
