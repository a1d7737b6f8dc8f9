"""What an execution does, told while it does it, and again after the end.

Theory of operation. An execution's events have places: one each, and an output one for every byte. An event's `seq` is
its last place; so whoever has seen up to some `seq` can be told the rest exactly, however the output was cut into
events, by the process that ran it and, after the end, by any other from the row alone. What a second attempt tells
stands behind all places of the first.

`Channel` holds the last events of one execution that runs in this process, `channels` holds the channels, `teller`
fills one from what dispatch tells, `story` makes the same events from a row, and `following` reads either, whichever
there is. Whoever publishes never waits for those who read: what they are late for is lost to them, and they are told
so (Gap).
"""
