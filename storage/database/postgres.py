"""Transactions on libpq, under psycopg: what need not be answered at once travels together.

Nearly all that a statement costs is its round trip: docs/decisions/001 has the figures.
"""

import select
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from storage.database.prepared import Prepared
from storage.database.switching import ready
from storage.database.troubles import RolledBack, refused

_PATIENCE_SECONDS: Final = 20  # longer than statement_timeout: beyond it the server hangs, or the network is gone
_TOGETHER: Final = 64  # statements that may wait
_KEPT_AFTER: Final = 2  # uses, then the server keeps the statement parsed and planned

_FINE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)

_Parameters = Sequence[Any]
_Box = list[PGresult]  # where an answer is kept for whoever asks later
_Sent = tuple[Prepared | None, bytes, _Parameters, _Box | None]


class PostgresDriver:
    """One connection. Statements in their order; `begin` and `later` wait for the next that must be answered.

    A lost connection, an answer that does not come, and whatever the server refuses are raised as SQLAlchemy would;
    `lost` says whether the connection is of any more use.
    """

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._server = connection.pgconn
        self._adapt = Transformer(connection)
        self._readable = select.poll()
        self._readable.register(self._server.socket, select.POLLIN)
        self._kept: set[bytes] = set()
        self._waiting: list[_Sent] = []
        self._owed = 0  # answers nobody waited for
        self._hung = False
        self.in_doubt = False  # whether the last commit may have happened although it raised

    def ready(self) -> bool:
        """Whether a transaction can begin: a server that went away has usually hung up by now."""
        if self.lost:
            return False
        try:
            self._collect_owed()
        except psycopg.Error:
            self._hung = True
        return not self.lost and not self._readable.poll(0)  # unasked, only a farewell comes

    @property
    def lost(self) -> bool:
        return self._hung or self._server.status != ConnStatus.OK

    @property
    def given_up(self) -> bool:
        """Whether a statement failed: COMMIT would then roll back without a word."""
        return self._server.transaction_status == TransactionStatus.INERROR

    def begin(self) -> None:
        self._waiting = [(None, b"BEGIN", (), None)]

    def commit(self) -> None:
        """Raises what a statement that waited raised, or the commit itself."""
        self.in_doubt = False
        if len(self._waiting) == 1 and self._waiting[0][1] == b"BEGIN":
            self._waiting = []  # nothing was done
            return
        self._waiting.append((None, b"COMMIT", (), None))
        self.in_doubt = True
        answer = self._exchange()
        self.in_doubt = False
        if answer.command_status != b"COMMIT":
            raise RolledBack("the database gave the transaction up after a statement that failed")

    def end(self) -> None:
        """End a transaction that only read, without waiting for the answer."""
        if any(statement is not None for statement, *_ in self._waiting):
            self._exchange()  # a write, which is refused here
        self._waiting = []
        if not self.lost and self._server.transaction_status != TransactionStatus.IDLE:
            try:
                self._server.send_query_params(b"COMMIT", None)
                self._owed += 1
            except psycopg.Error:
                self._hung = True

    def rollback(self) -> None:
        self._waiting = []
        if not self.lost and self._server.transaction_status != TransactionStatus.IDLE:
            self._waiting = [(None, b"ROLLBACK", (), None)]
            self._exchange()

    def first(self, statement: Prepared, parameters: _Parameters) -> tuple[Any, ...] | None:
        answer = self._answered(statement, parameters)
        return self._adapt.load_row(0, tuple) if answer.ntuples else None

    def all(self, statement: Prepared, parameters: _Parameters) -> Sequence[tuple[Any, ...]]:
        answer = self._answered(statement, parameters)
        return self._adapt.load_rows(0, answer.ntuples, tuple)

    def ahead(self, statement: Prepared, parameters: _Parameters) -> Callable[[], Sequence[tuple[Any, ...]]]:
        """A statement that is sent with the next, or when its rows are asked for: once, in this transaction."""
        box: _Box = []
        self._add(statement, parameters, box)

        def rows() -> Sequence[tuple[Any, ...]]:
            if not box and self._waiting:
                self._exchange()
            if not box:
                raise RolledBack("what was asked ahead went with a statement that failed")
            answer = self._read_by(statement, box[0])
            return self._adapt.load_rows(0, answer.ntuples, tuple)

        return rows

    def later(self, statement: Prepared, parameters: _Parameters) -> None:
        """A statement that returns nothing: sent with the next that does, at the latest with the commit."""
        self._add(statement, parameters)
        if len(self._waiting) >= _TOGETHER:
            self._exchange()

    def flush(self) -> None:
        """Send what waits: somebody is about to use the connection in another way."""
        self._collect_owed()
        if self._waiting:
            self._exchange()

    def _answered(self, statement: Prepared, parameters: _Parameters) -> PGresult:
        self._add(statement, parameters)
        return self._read_by(statement, self._exchange())

    def _read_by(self, statement: Prepared, answer: PGresult) -> PGresult:
        if statement.unread:
            statement.read_as([answer.ftype(column) for column in range(answer.nfields)])
        self._adapt.set_pgresult(answer)
        return answer

    def _add(self, statement: Prepared, parameters: _Parameters, box: _Box | None = None) -> None:
        try:
            # As text, and without types: the server infers them from the casts in the statement.
            sent = self._adapt.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        except (psycopg.Error, UnicodeError) as error:
            raise refused(statement.sql, error) from error
        statement.uses += 1
        self._waiting.append((statement, statement.encoded, sent, box))

    def _exchange(self) -> PGresult:
        """Send all that waits, and return the last one's answer. The first failure is raised; the rest was skipped."""
        sent, self._waiting = self._waiting, []
        what = sent[-1][1].decode()
        try:
            self._collect_owed()
            answer = self._pipeline(sent)
        except psycopg.Error as error:
            self._hung = True  # what it still has to say is not known
            raise refused(what, error, lost=True) from error
        if answer.status not in _FINE:
            raise refused(what, error_from_result(answer), lost=self.lost)
        return answer

    def _pipeline(self, sent: Sequence[_Sent]) -> PGresult:
        server = self._server
        server.enter_pipeline_mode()
        # For each answer to come: the name under which a statement is then kept, or who wants it.
        coming: list[tuple[bytes | None, _Box | None]] = []
        for each in sent:
            self._send(coming, *each)
        server.pipeline_sync()
        failed: PGresult | None = None
        for place, (name, box) in enumerate(coming, 1):
            answer = self._answer()
            if answer.status in _FINE:
                if name is not None:
                    self._kept.add(name)
                if box is not None:
                    box.append(answer)
            elif failed is None:
                failed = answer
                self.in_doubt = self.in_doubt and place == len(coming)
        self._answer(ends=True)
        server.exit_pipeline_mode()
        return failed or answer

    def _send(
        self,
        coming: list[tuple[bytes | None, _Box | None]],
        statement: Prepared | None,
        sql: bytes,
        parameters: Any,
        box: _Box | None,
    ) -> None:
        server = self._server
        if statement is None or statement.uses < _KEPT_AFTER:
            server.send_query_params(sql, parameters or None)
        else:
            if statement.name not in self._kept and (statement.name, None) not in coming:
                server.send_prepare(statement.name, sql)
                coming.append((statement.name, None))
            server.send_query_prepared(statement.name, parameters)
        coming.append((None, box))

    def _answer(self, *, ends: bool = False) -> PGresult:
        """The next answer, and the empty one that ends it; the answer to a pipeline's end has none."""
        answer = self._next()
        if answer is None:
            raise psycopg.OperationalError("the server's answers do not match what was asked")
        if not ends and self._next() is not None:
            raise psycopg.OperationalError("the server's answers do not match what was asked")
        return answer

    def _next(self) -> PGresult | None:
        server = self._server
        if server.flush():
            self._push()
        while server.is_busy():
            self._wait()
        return server.get_result()

    def _push(self) -> None:
        """Send what did not fit into the socket at once, reading meanwhile."""
        server = self._server
        while server.flush():
            if not (what := ready(server.socket, writable=True, seconds=_PATIENCE_SECONDS)):
                self._give_up()
            if what & ~select.POLLOUT:
                server.consume_input()

    def _wait(self) -> None:
        if not ready(self._server.socket, writable=False, seconds=_PATIENCE_SECONDS):
            self._give_up()
        self._server.consume_input()

    def _give_up(self) -> None:
        self._hung = True
        raise psycopg.OperationalError(f"no answer within {_PATIENCE_SECONDS} s")

    def _collect_owed(self) -> None:
        while self._owed:
            self._owed -= 1
            self._answer()
