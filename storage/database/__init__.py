"""The database: transactions are plain functions of a Tx (docs/decisions/001). What others use of it."""

from storage.database.connections import address as address
from storage.database.connections import sqlite_path as sqlite_path
from storage.database.database import Database as Database
from storage.database.transaction import Tx as Tx
from storage.database.transaction import table_of as table_of
from storage.database.troubles import RolledBack as RolledBack
from storage.database.troubles import Unavailable as Unavailable
from storage.database.troubles import Uncertain as Uncertain
