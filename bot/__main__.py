"""The command line: `signoff` or `python -m bot`."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from bot.commands.demo import demo
from bot.commands.doctor import doctor
from bot.commands.export import export
from bot.commands.knowledge import knowledge
from bot.commands.migrate import migrate
from bot.commands.run import run
from bot.commands.terminal import out

# No pretty tracebacks: they show variables, and variables hold tokens and customers' words.
main = typer.Typer(
    name="signoff",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="AI drafts, a person signs off: reviewed customer replies inside Slack.",
)
main.command()(run)
main.command()(demo)
main.command()(doctor)
main.command()(migrate)
main.add_typer(knowledge, name="kb")
main.command()(export)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            known = version("signoff")
        except PackageNotFoundError:
            known = "from a checkout"  # run with `python -m bot`, never installed
        out.print(f"signoff {known}")
        raise typer.Exit


@main.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")] = False,
) -> None: ...


if __name__ == "__main__":
    main()
