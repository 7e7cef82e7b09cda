"""What the engine asks of procrastinate's tables: through its own functions, but for the claim.

`args` holds what a job is about (`subject`), its last failure (`error`), and of procrastinate's `attempts`, which grow
with every return to the queue, how many were no failure (`spared`: postponed, or stopped before it began).
"""

from typing import Final

from sqlalchemy import TIMESTAMP, BigInteger, Boolean, Column, Integer, Text, TextualSelect, text

_AT: Final = TIMESTAMP(timezone=True)


def _unanswered(sql: str) -> TextualSelect:
    """A statement whose answer nobody reads: it travels with the next one, or with the commit."""
    return text(sql).columns()


# One queue for all kinds: how many of each run at once is for CLAIM to say.
DEFER: Final = _unanswered("""
    select procrastinate_defer_jobs_v1(array(
        select row('signoff', kind, 0, lane, null, jsonb_build_object('subject', subject), at)
               ::procrastinate_job_to_defer_v1
        from unnest(cast(:kinds as text[]), cast(:subjects as text[]), cast(:lanes as text[]),
                    cast(:ats as timestamptz[])) as promised (kind, subject, lane, at)))
""")
CANCEL: Final = text("""
    select lock, procrastinate_cancel_job_v1(id, false, true) as id
    from (select id, lock from procrastinate_jobs
          where status = 'todo' and task_name = :kind and args ->> 'subject' = :subject
          order by id for update) as queued
""").columns(Column("lock", Text), Column("id", BigInteger))
# For a failed one its functions know no end but another try.
FORGET_FAILED: Final = text("""
    delete from procrastinate_jobs
    where status = 'failed' and task_name = :kind and args ->> 'subject' = :subject
""")

# As procrastinate_fetch_job_v2 does it, whose rules these are (a lock's jobs one at a time, in order of id; rows that
# another worker is at are skipped), but many at once, each kind up to its free places, and by the clock we are given:
# the one by which everything else is dated, and which never runs backwards, as the server's may. Replicas must agree
# about the time (docs/operations.md; the doctor compares each machine's with the server's).
CLAIM: Final = text("""
    with due as materialized (
        select found.id
        from unnest(cast(:kinds as text[]), cast(:slots as integer[])) as free (kind, slots),
            lateral (
                select job.id from procrastinate_jobs as job
                where job.status = 'todo' and job.task_name = free.kind and job.scheduled_at <= :now
                    and (job.lock is null or not exists (
                        select from procrastinate_jobs as other
                        where other.lock = job.lock and other.status in ('todo', 'doing')
                            and (other.status = 'doing' or other.id < job.id)))
                order by job.scheduled_at, job.id
                limit free.slots
                for update skip locked
            ) as found
    )
    update procrastinate_jobs as job
    set status = 'doing', worker_id = :worker
    from due where job.id = due.id
    returning job.id, job.task_name as kind, job.args ->> 'subject' as subject, job.scheduled_at as run_at,
        job.attempts + 1 - coalesce((job.args ->> 'spared')::integer, 0) as attempts, job.args ->> 'error' as error,
        job.worker_id as worker
""").columns(
    Column("id", BigInteger),
    Column("kind", Text),
    Column("subject", Text),
    Column("run_at", _AT),
    Column("attempts", Integer),
    Column("error", Text),
    Column("worker", BigInteger),
)
# What claimed jobs of kinds that merge cover. A statement after the claim, so it sees what was committed meanwhile; the
# handlers read later still.
COVER: Final = _unanswered("""
    select procrastinate_cancel_job_v1(id, false, true)
    from (select job.id from procrastinate_jobs as job
          join unnest(cast(:kinds as text[]), cast(:subjects as text[])) as begun (kind, subject)
              on job.task_name = begun.kind and job.args ->> 'subject' = begun.subject
          where job.status = 'todo' and job.scheduled_at <= :now
          order by job.id for update of job skip locked) as covered
""")
# The first to come, and whether anything may become due that no notification tells of: what others retry or have in a
# lane.
NEXT_DUE: Final = text("""
    select min(first.scheduled_at) as next_at,
        exists (select from procrastinate_jobs where status in ('todo', 'doing')) as any_open
    from unnest(cast(:kinds as text[])) as kinds (kind),
        lateral (select scheduled_at from procrastinate_jobs
                 where status = 'todo' and task_name = kind and scheduled_at > :now
                 order by scheduled_at limit 1) as first
""").columns(Column("next_at", _AT), Column("any_open", Boolean))

_MINE: Final = """
    (select job.id, ended.at from procrastinate_jobs as job
     join unnest(cast(:ids as bigint[]), cast(:workers as bigint[]), cast(:ats as timestamptz[]))
         as ended (id, worker, at) on job.id = ended.id and job.worker_id = ended.worker
     where job.status = 'doing' order by job.id for update of job) as mine
"""
DONE: Final = _unanswered(f"select procrastinate_finish_job_v1(mine.id, 'succeeded', true) from {_MINE}")
FAILED: Final = _unanswered(f"select procrastinate_finish_job_v1(mine.id, 'failed', false) from {_MINE}")
AGAIN: Final = _unanswered(f"select procrastinate_retry_job_v2(mine.id, mine.at, null, null, null) from {_MINE}")
NOTE: Final = _unanswered("""
    update procrastinate_jobs as job
    set args = job.args || jsonb_build_object('spared', job.attempts + 1 - ended.attempts, 'error', ended.error)
    from unnest(cast(:ids as bigint[]), cast(:workers as bigint[]), cast(:attempts as integer[]),
                cast(:errors as text[])) as ended (id, worker, attempts, error)
    where job.id = ended.id and job.worker_id = ended.worker and job.status = 'doing'
""")

REVIVE: Final = _unanswered("""
    select procrastinate_retry_job_v2(id, :now, null, null, null)
    from (select id from procrastinate_jobs where status = 'failed' and task_name = any(cast(:kinds as text[]))
          order by id for update skip locked) as failed
""")
FORGIVE: Final = _unanswered("""
    update procrastinate_jobs set args = args || jsonb_build_object('spared', attempts + 1)
    where status = 'failed' and task_name = any(cast(:kinds as text[]))
""")
# Taken by us, and not under way: the claim's commit was not heard of, or we stop.
RECALL: Final = _unanswered("""
    select procrastinate_retry_job_v2(id, scheduled_at, null, null, null)
    from (select id, scheduled_at from procrastinate_jobs
          where status = 'doing' and worker_id = :worker and not id = any(cast(:running as bigint[]))
          order by id for update) as unheard
""")
EXCUSE: Final = _unanswered("""
    update procrastinate_jobs set args = args || jsonb_build_object('spared',
        coalesce((args ->> 'spared')::integer, 0) + 1)
    where status = 'doing' and worker_id = :worker and not id = any(cast(:running as bigint[]))
""")
LEAVE: Final = _unanswered("select procrastinate_unregister_worker_v1(:worker)")

COUNTS: Final = text(
    "select task_name as kind, status::text as status, count(*) as count from procrastinate_jobs group by 1, 2"
).columns(Column("kind", Text), Column("status", Text), Column("count", BigInteger))
OLDEST_DUE: Final = text(
    "select min(scheduled_at) as at from procrastinate_jobs where status = 'todo' and scheduled_at <= :now"
).columns(Column("at", _AT))

# On the connection of the pulse, which speaks to the driver itself

REGISTER: Final = "select worker_id from procrastinate_register_worker_v1()"
# Not procrastinate_update_heartbeat_v1, which does not say whether there still is such a worker.
BEAT: Final = "update procrastinate_workers set last_heartbeat = now() where id = %(worker)s returning id"
# Who was silent too long is gone. Not in the server's first moments: nobody could beat before.
PRUNE: Final = """
    select procrastinate_prune_stalled_workers_v1(%(seconds)s)
    where pg_postmaster_start_time() < now() - make_interval(secs => %(seconds)s)
"""
RESCUE: Final = """
    select procrastinate_retry_job_v2(id, scheduled_at, null, null, null)
    from (select id, scheduled_at from procrastinate_jobs where status = 'doing' and worker_id is null
          order by id for update skip locked) as stalled
"""
