"""signoff kb: the knowledge base drafts are written from."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bot.commands.terminal import (
    database_errors,
    err,
    now,
    out,
    progress,
    refuse,
    require_schema,
    store_configured,
)
from bot.drafting.retrieval import FullTextLibrary, Imported, import_folder
from storage.database import Database

knowledge = typer.Typer(no_args_is_help=True, help="The knowledge base: import Markdown articles, try a search.")


@knowledge.command("import")
def import_(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, readable=True, help="The folder of .md articles."),
    ],
) -> None:
    """Make the knowledge base what DIR holds: new, changed and removed articles. Old versions are kept."""
    with database_errors():
        imported = asyncio.run(_import(folder))
    for rejected in imported.rejected:
        err.print(f"[yellow]{escape(rejected.file)}: {escape(rejected.why)}[/yellow]")
    out.print(
        f"{imported.added} added, {imported.updated} updated, {imported.unchanged} unchanged, "
        f"{imported.removed} removed, {len(imported.rejected)} not read."
    )
    if imported.rejected:
        raise typer.Exit(1)


async def _import(folder: Path) -> Imported:
    async with Database(store_configured().database_url) as db:
        require_schema(db)
        with progress() as bar:
            task = bar.add_task("Articles", total=None)
            return await import_folder(
                db,
                folder,
                clock=now,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )


@knowledge.command()
def search(
    query: Annotated[str, typer.Argument(help="A customer's question, or words of one.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many passages.")] = 6,
) -> None:
    """Show the passages a drafter would be given for a question, best first."""

    async def find() -> None:
        async with Database(store_configured().database_url) as db:
            require_schema(db)
            found = await FullTextLibrary(db).search(query, limit=limit)
        if not found:
            refuse("Nothing found. `signoff kb import DIR` fills the knowledge base.")
        for snippet in found:
            heading = f" > {snippet.heading}" if snippet.heading else ""
            out.print(f"[bold]{escape(snippet.source.title + heading)}[/bold]  {escape(snippet.source.slug)}")
            out.print(escape(snippet.source.quote), end="\n\n")

    with database_errors():
        asyncio.run(find())
