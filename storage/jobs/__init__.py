"""Jobs: promises to touch the world. Here is the port and what its users need; `engine` chooses who keeps to it.

A job says only "look at row X": its handler looks before it acts, because it may run twice.
"""

from storage.jobs.words import Claimed as Claimed
from storage.jobs.words import Depth as Depth
from storage.jobs.words import Handler as Handler
from storage.jobs.words import Jobs as Jobs
from storage.jobs.words import Lost as Lost
from storage.jobs.words import Postpone as Postpone
from storage.jobs.words import Retry as Retry
from storage.jobs.words import Work as Work
