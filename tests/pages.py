"""Pages of the docs whose blocks are run as they stand."""

import re

FILE = re.compile(r"# (\S+)\n")


def script(page: str) -> str:
    """Returns a page's blocks as a script of bash, which writes the files, and runs and shows the commands.

    A block of `console` is what a command printed. Any other one is a file, whose path is on its first line.
    """
    parts = ["set -eu", "start=$PWD"]
    for language, text in re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL):
        if language == "sh":
            parts += ["set -x", text, "{ set +x; } 2> /dev/null"]
        elif language != "console":
            path = FILE.match(text)
            assert path, f"The first line of this block does not name its file:\n{text}"
            parts.append(f'mkdir -p "$start/$(dirname {path[1]})"; cat > "$start/{path[1]}" <<\'END\'\n{text}END')
    return "\n".join(parts)


def printed(page: str) -> list[re.Pattern[str]]:
    """Returns patterns of the lines that a page shows as printed, in their order; `…` stands for any text."""
    lines = "".join(re.findall(r"```console\n(.*?)```", page, re.DOTALL)).splitlines()
    return [re.compile("^" + ".*".join(map(re.escape, line.split("…"))) + "$", re.MULTILINE) for line in lines]
