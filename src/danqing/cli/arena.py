"""`danqing arena ...`: people and models compare pictures without knowing who painted them."""

from pathlib import Path
from typing import Annotated

import tyro

ArenaPath = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ARENA")]


def arena() -> None:
    """Compare models by blinded votes on pairs of pictures: import, serve, rate, export, pairs."""


def import_(
    arena: ArenaPath,
    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN...")],
    /,
    *,
    ruined: int = 20,
) -> None:
    """Take pictures of several models, painted from the same prompts, into an arena.

    A run is NAME=FOLDER, where the folder is what `danqing evaluate` left, or a file of lines of
    JSON with `model`, `prompt` and `file`. Pictures are copied as bare pixels: what a file says
    about its model stays behind.

    Args:
        arena: A folder; it is made if it is not there.
        runs: What to take in. What is in already is not taken twice.
        ruined: Pictures to keep a ruined copy of, for pairs whose answer is obvious.
    """
    from danqing.core.errors import RecipeError
    from danqing.evaluation.arena.gold import prepare
    from danqing.evaluation.arena.runs import take_in
    from danqing.evaluation.arena.store import Store

    if not runs:
        raise RecipeError("runs must be at least one, got none; say NAME=FOLDER.")
    with Store(arena, create=True) as store:
        for run in runs:
            for name, count in take_in(store, run).items():
                print(f"{name}: {count:,} new pictures")
        prepare(store, ruined)
        rivals = len(store.contestants())
    print(f"{arena}: {rivals} models")


def serve(
    arena: ArenaPath,
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    key: str | None = None,
    gold: float = 0.1,
    minimum: float = 1.0,
) -> None:
    """Serve the page on which people vote, until Ctrl-C.

    Every vote is on disk when it is counted: stop at any time and serve again to go on. Without
    `host` only this machine can vote. Where others can, a key is made if none is given, and the
    link that is printed holds it; put a proxy with TLS in front of it if the network is not yours.

    Args:
        arena: The arena's folder.
        host: An address of this machine to listen on.
        port: A free port; 0 takes any.
        key: What a voter must know to enter.
        gold: The share of pairs whose answer is known, by which careless voters are found.
        minimum: Seconds that a pair must be looked at.
    """
    import secrets

    from danqing.evaluation.arena.server import ArenaServer, Rules, loopback
    from danqing.evaluation.arena.store import Store

    if key is None and not loopback(host):
        key = secrets.token_urlsafe(9)
    rules = Rules(gold=gold, minimum=minimum, key=key)
    with Store(arena) as store, ArenaServer(store, host, port, rules) as server:
        print(f"{server.link}\nCtrl-C stops it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(f"\n{len(store.votes()):,} votes in {arena}")


def judge(
    arena: ArenaPath,
    /,
    *,
    chat: str = "endpoint",
    set: tuple[str, ...] = (),
    name: str | None = None,
    count: int = 200,
    gold: float = 0.1,
) -> None:
    """Let a vision-language model vote; run it again to go on.

    Each pair is asked about in both orders, and what changes with them is a tie. Votes of a judge
    are apart from those of people: `rate --judge NAME` rates by them.

    Args:
        arena: The arena's folder.
        chat: Who is asked: a chat's name, or a TOML file with its name and settings.
        set: Settings of the chat, as `url=http://localhost:8000/v1/chat/completions model=eyes`.
        name: What the judge is called on the board; the model's name when not given.
        count: Pairs that it shall have voted on in the end.
        gold: The share of pairs whose answer is known.
    """
    from tqdm import tqdm

    from danqing.evaluation.arena.judged import REMINDER, vote
    from danqing.evaluation.arena.store import Store
    from danqing.evaluation.recipe import chat as read
    from danqing.scorers.judge import Judge

    asked = Judge(read(chat, set), reminder=REMINDER)
    with Store(arena) as store, tqdm(unit="vote", dynamic_ncols=True) as bar:

        def watch(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        votes = vote(store, asked, name or asked.fresh.model, count, gold=gold, watch=watch)
    told = asked.counts
    print(
        f"{votes:,} votes: {told['pairs'] - told['pairs in disagreement']:,} the same in both "
        f"orders, {told['pairs in disagreement']:,} not ({told['pairs by place']:,} by the place "
        f"alone), {votes - told['pairs']:,} without an answer; the last two count as ties"
    )


def rate(
    arena: ArenaPath,
    /,
    *,
    judge: str = "people",
    claims: Path | None = None,
    out: Path | None = None,
    resamples: int = 1000,
) -> None:
    """Compute ratings from votes, and write a leaderboard to look at.

    Bradley and Terry's model, on the scale of Elo; a tie, and both being bad, is half a win each.
    Votes of careless voters are left out. Writes `leaderboard.html`, `.json` and `.csv`.

    Args:
        arena: The arena's folder.
        judge: Whose votes: `people`, or the name of a model that voted.
        claims: Lines of JSON with `name`, `value`, `source` and `date`, shown apart.
        out: A folder for the leaderboard; the arena's when not given.
        resamples: Draws of the bootstrap behind the intervals.
    """
    import json

    from danqing.core.errors import RecipeError
    from danqing.core.files import atomic_path
    from danqing.evaluation.arena.board import as_csv, as_json, build, read_claims
    from danqing.evaluation.arena.board_page import page
    from danqing.evaluation.arena.store import Store

    if resamples < 1:
        raise RecipeError(f"resamples must be at least 1, got {resamples}; the default is 1000.")
    with Store(arena) as store:
        boards = build(store, judge, read_claims(claims) if claims else (), resamples=resamples)
    folder = out or arena
    for name, text in (
        ("leaderboard.json", json.dumps(as_json(boards), indent=2, ensure_ascii=False) + "\n"),
        ("leaderboard.csv", as_csv(boards)),
        ("leaderboard.html", page(boards)),
    ):
        with atomic_path(folder / name) as staged:
            staged.write_text(text, encoding="utf-8")
    print(f"{'rank':<7}{'model':<32}{'Elo':>6}{'95 % by prompt':>18}{'and voter':>16}{'votes':>7}")
    for row in boards.boards[0].rows:
        prompts, voters = (
            f"{low:.0f} to {high:.0f}" for low, high in (row.by_prompt, row.by_voter)
        )
        print(
            f"{'-'.join(map(str, row.rank)):<7}{row.name:<32}{row.elo:>6.0f}"
            f"{prompts:>18}{voters:>16}{row.votes:>7}"
        )
    if boards.left_out:
        print(f"{boards.left_out:,} votes of {boards.careless} careless voters are left out")
    if not boards.boards[0].ratings.linked:
        print("some model has only won or only lost: the order means little yet")
    print(folder / "leaderboard.html")


def export(
    arena: ArenaPath,
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")],
    /,
) -> None:
    """Write all votes as a CSV file, one a line, with who was compared and by whom.

    Args:
        arena: The arena's folder.
        out: The file to write.
    """
    from danqing.core.files import atomic_path
    from danqing.evaluation.arena.board import votes_csv
    from danqing.evaluation.arena.store import Store

    with Store(arena) as store:
        votes = store.votes()
    with atomic_path(out) as staged:
        staged.write_text(votes_csv(votes), encoding="utf-8")
    print(f"{out}: {len(votes):,} votes")


def pairs(
    arena: ArenaPath,
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    judge: str = "people",
) -> None:
    """Write what was preferred as pairs of pictures for a model to learn from.

    Votes on the same two pictures count together; ties, and votes of careless voters, do not. What
    it writes is for the batch source `pairs`; see recipes/train/dpo.toml.

    Args:
        arena: The arena's folder.
        out: A folder for the pictures and for pairs.jsonl, which lists them.
        judge: Whose votes: `people`, or the name of a model that voted.
    """
    from danqing.evaluation.arena.preferred import preferences
    from danqing.evaluation.arena.store import Store
    from danqing.training.prefer import keep
    from danqing.training.sources.pairs import Pair

    with Store(arena) as store:
        found = preferences(store, judge)
        preferred = (
            Pair(
                caption=one.prompt,
                chosen=one.chosen,
                rejected=one.rejected,
                scores=(float(one.votes[0]), float(one.votes[1])),
            )
            for one in found
        )
        file, count = keep(preferred, store.picture, out)
    print(f"{file}: {count:,} pairs")
    if count < len(found):
        print(f"{len(found) - count:,} pairs of pictures of two sizes are left out")
