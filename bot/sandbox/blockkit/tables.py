"""Tables and charts in messages. Where sources differ about a limit, the smaller one is used."""

from collections.abc import Callable

from bot.sandbox.blockkit.richtext import rich_text
from bot.sandbox.blockkit.rules import JSON, Found, Surface, is_object, items, note, one_of, string, whole

ROWS = 100
COLUMNS = 20
CELLS = frozenset({"raw_text", "raw_number", "rich_text"})
CHARTS = frozenset({"pie", "bar", "area", "line"})
SERIES = 6
POINTS = 20
CHART_TITLE = 50
NAME = 20


def _table(block: JSON, _: Surface, at: str, found: Found) -> None:
    _rows(block, 1, ROWS, at, found)


def _data_table(block: JSON, _: Surface, at: str, found: Found) -> None:
    _rows(block, 2, ROWS + 1, at, found)
    whole(block.get("page_size"), 1, 100, f"{at}/page_size", found)


def _rows(block: JSON, least: int, most: int, at: str, found: Found) -> None:
    for number, row in enumerate(items(block.get("rows"), least, most, f"{at}/rows", found)):
        here = f"{at}/rows/{number}"
        for place, cell in enumerate(items(row, 1, COLUMNS, here, found)):
            if not is_object(cell, f"{here}/{place}", found):
                continue
            one_of(cell.get("type"), CELLS, f"{here}/{place}/type", found)
            if cell.get("type") == "rich_text":
                rich_text(cell, f"{here}/{place}", found)
            elif cell.get("type") == "raw_text":
                string(cell.get("text"), 40_000, f"{here}/{place}/text", found)


def _chart(block: JSON, _: Surface, at: str, found: Found) -> None:
    string(block.get("title"), CHART_TITLE, f"{at}/title", found)
    chart = block.get("chart")
    if chart is None or not is_object(chart, f"{at}/chart", found):
        return
    one_of(chart.get("type"), CHARTS, f"{at}/chart/type", found)
    if chart.get("type") == "pie":
        _points(chart.get("segments"), f"{at}/chart/segments", found)
        return
    for number, line in enumerate(items(chart.get("series"), 1, SERIES, f"{at}/chart/series", found)):
        here = f"{at}/chart/series/{number}"
        if is_object(line, here, found):
            string(line.get("name"), NAME, f"{here}/name", found)
            _points(line.get("data"), f"{here}/data", found)
    axes = chart.get("axis_config")
    if isinstance(axes, dict):
        for name in ("x_label", "y_label"):
            string(axes.get(name), CHART_TITLE, f"{at}/chart/axis_config/{name}", found)


def _points(points: object, at: str, found: Found) -> None:
    if points is None:
        note(found, "missing required field", at)
    for number, point in enumerate(items(points, 1, POINTS, at, found)):
        if is_object(point, f"{at}/{number}", found):
            string(point.get("label"), NAME, f"{at}/{number}/label", found)


DATA_CHECKS: dict[str, Callable[[JSON, Surface, str, Found], None]] = {
    "table": _table,
    "data_table": _data_table,
    "data_visualization": _chart,
}
