"""Where an arena keeps everything: one SQLite file, and pictures under the hash of their bytes.

A vote is one transaction, on disk when it is acknowledged. Several threads may share a store, and
several processes a folder: SQLite's write-ahead log lets readers read while one writes.

Only here do contestants and pictures meet. What goes to a voter are the tokens of a pair, drawn
by chance and good for nothing else.
"""

import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from danqing.core.errors import SourceError, StorageError
from danqing.core.files import atomic_path, storage_errors
from danqing.evaluation.arena.records import (
    PEOPLE,
    SCHEMA,
    VERSION,
    Cast,
    Choice,
    Entry,
    Gold,
    Pair,
)


class Store:
    """An arena's folder."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Open an arena.

        Args:
            folder: Has `arena.sqlite` and `pictures/`.
            create: Make it if it is not there.

        Raises:
            SourceError: There is no arena, or one of another version.
            StorageError: The disk said no.
        """
        self.folder = folder
        file = folder / "arena.sqlite"
        if not create and not file.exists():
            raise SourceError(
                f"arena must be a folder with an arena.sqlite, got {folder}; "
                f"make one with danqing arena import."
            )
        with storage_errors(file):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = RLock()
        # Transactions are ours to begin; a busy neighbour is waited for.
        try:
            self._db = sqlite3.connect(
                file, timeout=30, isolation_level=None, check_same_thread=False
            )
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"{file} cannot be opened: {error}; choose another place."
            ) from error
        self._db.row_factory = sqlite3.Row
        try:
            self._prepare(file)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a vote that is being written is finished first."""
        with self._lock:
            self._db.close()

    def add(self, contestant: str, entries: Iterable[Entry], about: Mapping[str, Any]) -> int:
        """Take in a contestant's pictures, all or none, and return how many are new.

        Args:
            contestant: Its name; pictures are added to those it has.
            entries: The pictures. One that is there already must be the same to the byte.
            about: What is known of it, such as `commit`.

        Raises:
            SourceError: A picture differs from the one that is there.
            StorageError: The disk said no.
        """
        # Files first: it takes a while, and voters should not have to wait.
        kept = [
            (entry.prompt, entry.category, entry.language, entry.sample, self._keep(entry.data))
            for entry in entries
        ]
        with self._writing():
            self._run(
                "INSERT INTO contestants (name, about) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET about = excluded.about",
                (contestant, json.dumps(dict(about), ensure_ascii=False, sort_keys=True)),
            )
            owner = self._one("SELECT id FROM contestants WHERE name = ?", (contestant,))["id"]
            return sum([self._add(owner, contestant, *row) for row in kept])

    def ruin(self, picture: int, data: bytes) -> None:
        """Keep a ruined copy of a picture, for a pair whose answer is obvious."""
        sha256 = self._keep(data)
        with self._writing():
            self._run(
                "INSERT OR IGNORE INTO pictures (prompt, sample, sha256, ruined) "
                "SELECT prompt, sample, ?, id FROM pictures WHERE id = ?",
                (sha256, picture),
            )

    def join(self, judge: str = PEOPLE, secret: str | None = None) -> str:
        """Return the secret of a new voter.

        Args:
            judge: `people`, or the name of a model that votes.
            secret: The voter's secret; the same one is the same voter. None: a random one.
        """
        secret = secret or secrets.token_urlsafe(24)
        with self._writing():
            self._run(
                "INSERT OR IGNORE INTO voters (judge, secret, joined) VALUES (?, ?, ?)",
                (judge, _hidden(secret), time.time()),
            )
        return secret

    def voter(self, secret: str, judge: str = PEOPLE) -> int | None:
        """Return which voter of a kind shows this secret; None: nobody we know."""
        row = self._first(
            "SELECT id FROM voters WHERE secret = ? AND judge = ?", (_hidden(secret), judge)
        )
        return row["id"] if row else None

    @contextmanager
    def asking(self, voter: int) -> Iterator[Pair | None]:
        """Give the pair that the voter has yet to vote on, and keep all others from asking.

        Inside, `ask` may give the voter one; both happen together or not at all.
        """
        with self._writing():
            yield self.open_pair(voter)

    def ask(self, voter: int, a: int, b: int, gold: Gold | None = None) -> Pair:
        """Give a voter two pictures to vote on; within `asking`."""
        tokens = [secrets.token_urlsafe(16) for _ in range(3)]
        self._run(
            "INSERT INTO pairs (voter, a, b, gold, asked, token, token_a, token_b) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (voter, a, b, gold, time.time(), *tokens),
        )
        pair = self.open_pair(voter)
        assert pair
        return pair

    def open_pair(self, voter: int) -> Pair | None:
        """Return the pair that a voter has yet to vote on."""
        row = self._first(
            "SELECT pairs.id, token, text AS prompt, token_a, token_b, asked, "
            "pa.sha256 AS sha256_a, pb.sha256 AS sha256_b "
            "FROM pairs JOIN pictures pa ON pa.id = a JOIN pictures pb ON pb.id = b "
            "JOIN prompts ON prompts.id = pa.prompt WHERE voter = ? AND choice IS NULL",
            (voter,),
        )
        return Pair(**dict(row)) if row else None

    def vote(self, voter: int, token: str, choice: Choice, reasons: Sequence[str] = ()) -> bool:
        """Write down a vote; return whether it counts, which only the first on a pair does."""
        with self._writing():
            done = self._run(
                "UPDATE pairs SET choice = ?, reasons = ?, voted = ? "
                "WHERE token = ? AND voter = ? AND choice IS NULL",
                (choice, json.dumps(list(reasons)), time.time(), token, voter),
            )
            return done.rowcount == 1

    def picture(self, sha256: str) -> bytes:
        """Return a picture's file."""
        return self._path(sha256).read_bytes()

    def count(self, voter: int) -> int:
        """Return how many votes a voter has cast."""
        row = self._one(
            "SELECT count(*) AS n FROM pairs WHERE voter = ? AND choice IS NOT NULL", (voter,)
        )
        return row["n"]

    def contestants(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each contestant."""
        rows = self.rows("SELECT name, about FROM contestants ORDER BY name")
        return {row["name"]: json.loads(row["about"]) for row in rows}

    def votes(self) -> list[Cast]:
        """Return all votes, those on gold pairs too, in the order in which they were cast."""
        rows = self.rows(
            "SELECT pairs.id AS pair, text AS prompt, category, language, ca.name AS a, "
            "cb.name AS b, pa.ruined IS NOT NULL AS ruined_a, gold, choice, reasons, voter, "
            "judge, asked, voted FROM pairs "
            "JOIN pictures pa ON pa.id = pairs.a JOIN pictures pb ON pb.id = pairs.b "
            "LEFT JOIN contestants ca ON ca.id = pa.contestant "
            "LEFT JOIN contestants cb ON cb.id = pb.contestant "
            "JOIN prompts ON prompts.id = pa.prompt JOIN voters ON voters.id = voter "
            "WHERE choice IS NOT NULL ORDER BY voted, pairs.id"
        )
        return [self._cast(dict(row)) for row in rows]

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    @staticmethod
    def _cast(row: dict[str, Any]) -> Cast:
        row["reasons"] = tuple(json.loads(row["reasons"]))
        row["ruined_a"] = bool(row["ruined_a"])
        return Cast(**row)

    def _prepare(self, file: Path) -> None:
        try:
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA journal_mode = WAL")
            # An acknowledged vote survives even a power cut.
            self._db.execute("PRAGMA synchronous = FULL")
            with self._writing():
                version = self._one("PRAGMA user_version")["user_version"]
                if not version:
                    for statement in SCHEMA.split(";\n"):
                        self._run(statement)
                    self._run(f"PRAGMA user_version = {VERSION}")
        except sqlite3.DatabaseError as error:
            raise SourceError(f"arena must be an SQLite file, got {file}: {error}.") from error
        if version not in (0, VERSION):
            raise SourceError(
                f"arena must be of version {VERSION}, got {version}; "
                f"use the danqing that made {file}."
            )

    def _add(
        self,
        owner: int,
        contestant: str,
        text: str,
        category: str | None,
        language: str | None,
        sample: int,
        sha256: str,
    ) -> bool:
        self._run(
            "INSERT OR IGNORE INTO prompts (text, category, language) VALUES (?, ?, ?)",
            (text, category, language),
        )
        prompt = self._one("SELECT id FROM prompts WHERE text = ?", (text,))["id"]
        known = self._first(
            "SELECT sha256 FROM pictures WHERE prompt = ? AND contestant = ? AND sample = ?",
            (prompt, owner, sample),
        )
        if known and known["sha256"] != sha256:
            raise SourceError(
                f"picture {sample} of {text!r} must be the one that {contestant} has in the arena, "
                f"got another; give the new pictures another name."
            )
        if not known:
            self._run(
                "INSERT INTO pictures (prompt, contestant, sample, sha256) VALUES (?, ?, ?, ?)",
                (prompt, owner, sample, sha256),
            )
        return not known

    def _keep(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if not (path := self._path(sha256)).exists():
            with atomic_path(path) as staged:
                staged.write_bytes(data)
        return sha256

    def _path(self, sha256: str) -> Path:
        return self.folder / "pictures" / f"{sha256}.png"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                self._run("ROLLBACK")
                raise

    def _run(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, values)
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"{self.folder} cannot be written: {error}; free the disk or choose another place."
            ) from error

    def _first(self, query: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        return next(iter(self.rows(query, values)), None)

    def _one(self, query: str, values: Sequence[object] = ()) -> sqlite3.Row:
        return self.rows(query, values)[0]


def _hidden(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
