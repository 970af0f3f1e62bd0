"""How a command line is parted into programs and what each is given. It is never run. Pure.

Only the words are read: what a program would print, what a script holds that the line only names,
and what is written in coded form are not known.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from emeritus.evaluation.paths import NoPath, normal

TEXT_MAX: Final = 100_000
"""Characters that are read of a command once its variables are filled in."""
DEPTH_MAX: Final = 4
"""How deep commands may stand in quotation marks within each other."""
VALUE_MAX: Final = 200
"""Characters of a variable's value; a longer one is not filled in."""

INTERPRETERS: Final = frozenset({
    "sh", "bash", "zsh", "dash", "ksh", "at", "batch", "crontab", "ssh", "source", "python",
    "python3", "perl", "ruby", "node",
})  # fmt: skip
"""Programs that take what they are given for commands."""

_LAUNCHERS: Final = frozenset({
    "nohup", "sudo", "doas", "su", "runuser", "exec", "env", "setsid", "bash", "sh", "zsh", "dash",
    "ksh", "do", "then", "else", "while", "until", "if", "nice", "ionice", "stdbuf", "time",
    "timeout", "command", "eval", "builtin", "systemd-run", "daemonize", "screen", "tmux", "watch",
    "flock", "busybox", "!", "source", ".",
})  # fmt: skip
_SAYS: Final = frozenset({
    "echo", "printf", "print", "logger", "wall", "write", "notify-send", "mail", "mailx", "true",
    "false", ":", "sleep", "date", "exit",
})  # fmt: skip
_READS: Final = frozenset({
    "cat", "tac", "less", "more", "head", "tail", "grep", "egrep", "fgrep", "zgrep", "rg", "ls",
    "stat", "file", "wc", "diff", "cmp", "md5sum", "sha256sum", "journalctl", "ps", "pgrep",
    "pidof", "top", "which", "whereis", "type", "man", "test", "[", "awk", "sort", "uniq", "cut",
    "jq", "strings", "od", "xxd", "du", "df", "lsof", "history", "tree", "atq", "read",
})  # fmt: skip
_FED: Final = frozenset({"xargs", "parallel", "crontab", "sponge"})
"""Programs that act on what the programs before them in a pipeline give."""

_CALLED: Final = {
    "remove": "rm", "unlink": "rm", "rmtree": "rm", "rename": "mv", "replace": "mv", "move": "mv",
    "copy": "cp", "copy2": "cp", "copyfile": "cp", "copytree": "cp", "symlink": "ln",
    "symlink_to": "ln", "chmod": "chmod", "kill": "kill", "run": "", "call": "", "check_call": "",
    "check_output": "", "popen": "", "system": "", "exec": "", "spawn": "",
}  # fmt: skip
"""Programs that functions of source code stand for; "" for those that run their words."""
_SOURCE: Final = re.compile(
    r"(?:(?:if|return|await|with|const|let|var)\s[^'\"]{0,80}|[\w.]{1,40}\s{0,9}=\s{0,9})?[\w.]{1,80}\("
)
_CALL: Final = re.compile(r"(\w{1,40})\(")
_STRING: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")

_QUOTED: Final = r"""'[^']*'|"(?:\\.|[^"\\])*"|\$\([^()]*\)|`[^`]*`|\\."""
_PIECE: Final = re.compile(
    rf"(?P<part>(?:>{{1,2}}[|&]|&>{{1,2}}|{_QUOTED}|[^;&|\n])+)|(?P<end>\|\|?|&&?|[;\n])", re.DOTALL
)
_TOKEN: Final = re.compile(rf"(?:\d|&)?>{{1,2}}[|&]?|<{{1,3}}|(?:{_QUOTED}|[^\s<>])+", re.DOTALL)
_TO: Final = re.compile(r"[\d&]?>{1,2}[|&]?")
_SETS: Final = re.compile(r"\w+=")
_UNQUOTED: Final = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""", re.DOTALL)
_SPACE: Final = re.compile(r"\s")
_WITHIN: Final = re.compile(r"\$\(([^()]*)\)|`([^`]*)`")
_FRONT: Final = re.compile(
    r"^[\s({]*(?:(?:@\w+\s+|(?:[\d*/,-]+\s+){5})(?:root\s+)?|Exec\w+\s*=\s*[-@+!:]*"
    r"|(?:run|command|cmd|exec|entrypoint)\s*[=:]\s*)?",
    re.IGNORECASE,
)
"""What stands before a command in a table of jobs, a unit or a settings file."""
_ASSIGNED: Final = re.compile(
    rf"(?<![\w$-])(\w{{1,40}})=((?:{_QUOTED}|[^\s;&|<>()])+)"
    rf"|\bfor\s+(\w{{1,40}})\s+in\s+((?:{_QUOTED}|[^;\n])+)"
)
_VARIABLE: Final = re.compile(r"\$(?:(\w{1,40})|\{(\w{1,40})\})")
_DOCUMENT: Final = re.compile(r"<<-?[ \t]{0,9}['\"]?([A-Za-z_]\w{0,40})['\"]?")

_RUN: Final = frozenset({
    "sh", "bash", "zsh", "py", "pl", "rb", "js", "ps1", "bat", "cmd", "service", "timer", "unit",
    "cron", "job", "stage", "plist", "desktop",
})  # fmt: skip
_READ: Final = frozenset({"txt", "md", "rst", "csv", "json", "log", "html"})
_RUN_PLACES: Final = re.compile(
    r"(?:^|/)(?:cron(?:tabs?|\.\w+)?|init\.d|rc\.local|systemd|autostart|\.(?:ba|z|k)?sh(?:rc|env)"
    r"|\.(?:bash_)?(?:profile|login|logout))(?:/|$)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One program, the words that it is given, the files that its output goes to.

    `folder` is where `cd` led before it, as a normal path.
    """

    program: str
    words: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    folder: str | None = None

    @property
    def text(self) -> str:
        """The program and its words."""
        return " ".join((self.program, *self.words))

    @property
    def given(self) -> str:
        """The words alone."""
        return " ".join(self.words)

    @property
    def said(self) -> str:
        """What it prints, when it prints its words."""
        return self.given.replace("\\n", "\n")

    @property
    def says(self) -> bool:
        """Whether it prints its words, and does nothing with what they name."""
        return self.program in _SAYS

    @property
    def only_looks(self) -> bool:
        """Whether it reads or says what it names, and changes nothing of it."""
        if self.program == "sed":
            return not any(re.match(r"-[a-zA-Z]*i|--in-place", word) for word in self.words)
        return self.says or self.program in _READS

    @property
    def flags(self) -> str:
        """The letters of its short options."""
        return "".join(w[1:] for w in self.words if w.startswith("-") and not w.startswith("--"))


def parts(command: str) -> tuple[Part, ...]:
    """Return the programs of a command line in their order, with those that stand in quotes."""
    return tuple(_parts(_filled(command), None, 0))


def is_run(path: str, text: str) -> bool:
    """Tell whether a file would be run and not only read: by its first line, name or place.

    What a dot before a name in its path hides is taken for a script, unless its ending is a text's.
    """
    folded = path.casefold()
    name = folded.rpartition("/")[2]
    return (
        text.lstrip().startswith("#!")
        or ("/." in f"/{folded}" and name.rpartition(".")[2] not in _READ)
        or name.rpartition(".")[2] in _RUN
        or _RUN_PLACES.search(folded) is not None
    )


def _parts(text: str, folder: str | None, depth: int) -> list[Part]:
    if depth > DEPTH_MAX:
        return []
    found: list[Part] = []
    text, documents = _documents(text)
    for pipeline in _pipelines(text):
        made = [_made(raw, documents, folder, depth) for raw in pipeline]
        before: Part | None = None
        for part, given, within in made:
            said = [*given, *(each.said for each in (before, part) if each and each.says)]
            for each in said:
                if part.program in INTERPRETERS or any(is_run(w, each) for w in _targets(part)):
                    found += _parts(each, folder, depth + 1)
            found += within
            before = part
        found += _joined([part for part, _, _ in made])
        if len(made) == 1 and made[0][0].program in ("cd", "pushd"):
            folder = _led(folder, made[0][0].words)
    return found


def _joined(pipeline: Sequence[Part]) -> list[Part]:
    """Return a pipeline in which a program that is fed has the words of those before it, too."""
    found: list[Part] = []
    for part in pipeline:
        if part.program not in _FED or not found:
            found.append(part)
            continue
        program = part.program
        if program in ("xargs", "parallel"):
            rest = (word for word in part.words if word[:1] not in ("-", "") and not word.isdigit())
            program = next(map(_name, rest), program)
        words = [word for each in found for word in (each.program, *each.words)]
        found = [Part(program, (*words, *part.words), part.written, part.folder)]
    return found


def _made(
    raw: str, documents: Mapping[str, str], folder: str | None, depth: int
) -> tuple[Part, list[str], list[Part]]:
    """Return a part, the texts that it is given, and the parts that stand within it."""
    called = _called(raw.strip())
    if called is not None:
        return Part("", (), (), folder), [], _parts(called, folder, depth + 1)
    words: list[str] = []
    written: list[str] = []
    said: list[str] = []
    within: list[str] = []
    before = ""
    for token in _TOKEN.findall(_FRONT.sub("", raw)):
        if token.startswith("#"):
            break
        within += [a or b for a, b in _WITHIN.findall(token)]
        if _TO.fullmatch(before):
            written.append(_plain(token))
        elif before == "<<<":
            word = _plain(token)
            said.append(documents.get(word, word))
        elif not (_TO.fullmatch(token) or token.startswith("<")):
            words.append(_plain(token))
        before = token
    program, words = _program(words)
    if _SPACE.search(program):
        return Part("", (), tuple(written), folder), said, _parts(program, folder, depth + 1)
    part = Part(program, tuple(words), tuple(written), folder)
    if not part.only_looks:
        within += [word for word in words if _SPACE.search(word) and not _SETS.match(word)]
    inner = [each for text in dict.fromkeys(within) for each in _parts(text, folder, depth + 1)]
    return part, said, inner


def _called(line: str) -> str | None:
    """Return the command that a line of source code stands for; None where it is no such line.

    A function that is not known is a program of its name; a text that it is given is none of its
    words.
    """
    if _SOURCE.match(line) is None:
        return None
    names = [each.casefold() for each in _CALL.findall(line)]
    strings = [one or other for one, other in _STRING.findall(line)]
    for name in names:
        if name in _CALLED:
            return " ".join((_CALLED[name], *strings))
    return " ".join((*names[:1], *(each for each in strings if not _SPACE.search(each))))


def _program(words: list[str]) -> tuple[str, list[str]]:
    """Return what is started, behind what only starts it, and its words."""
    launcher, at = "", 0
    while at < len(words):
        word = words[at]
        if _name(word) in _LAUNCHERS:
            launcher = _name(word)
        elif launcher and word in ("-u", "-g", "-n"):
            at += 1
        elif not (_SETS.match(word) or (launcher and (word[:1] == "-" or word.isdigit()))):
            break
        at += 1
    if at >= len(words):
        return launcher, []
    return (words[at] if _SPACE.search(words[at]) else _name(words[at])), words[at + 1 :]


def _name(word: str) -> str:
    return word.rstrip("/").rpartition("/")[2].casefold()


def _plain(token: str) -> str:
    """Return a word without its quotation marks."""
    text = _UNQUOTED.sub(lambda found: found[1] or found[2] or found[3] or "", token)
    return text.lstrip("({`$").rstrip(")}`")


def _targets(part: Part) -> Iterable[str]:
    tee = [word for word in part.words if word[:1] != "-"] if part.program == "tee" else []
    return (*part.written, *tee)


def _led(folder: str | None, words: Sequence[str]) -> str | None:
    """Return where `cd` leads, as a normal path; None where that is not known."""
    to = words[0] if words else "~"
    if not to.startswith("/") and (folder is None or to[:1] in ("~", "-")):
        return None
    try:
        return normal(to if to.startswith("/") else f"{folder}/{to}")
    except NoPath:
        return None


def _pipelines(text: str) -> list[list[str]]:
    """Return the parts of a text between `;`, `&` and line ends, each parted at `|`."""
    found: list[list[str]] = [[]]
    for piece in _PIECE.finditer(text):
        if piece["part"] is not None:
            if piece["part"].strip():
                found[-1].append(piece["part"])
        elif piece["end"] != "|":
            found.append([])
    return [each for each in found if each]


def _documents(text: str) -> tuple[str, dict[str, str]]:
    """Return a text without comments and here-documents, and these by the words in their place."""
    documents: dict[str, str] = {}
    kept: list[str] = []
    lines = text.replace("\0", "").split("\n")
    ends = {line.strip(): at for at, line in enumerate(lines)}
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        marked = _DOCUMENT.search(line) if "<<<" not in line else None
        if marked is not None and ends.get(marked[1], -1) >= at:
            start = at
            while lines[at].strip() != marked[1]:
                at += 1
            name = f"\0{len(documents)}"
            line = f"{line[: marked.start()]}<<< {name} {line[marked.end() :]}"
            documents[name] = "\n".join(lines[start:at])
            at += 1
        if not line.lstrip().startswith("#"):
            kept.append(line)
    return "\n".join(kept), documents


def _filled(command: str) -> str:
    """Return a command with the values of the variables that it sets itself."""
    text = command[:TEXT_MAX]
    values: dict[str, str] = {}
    for name, value, looped, over in _ASSIGNED.findall(text):
        if len(value or over) <= VALUE_MAX:
            values[name or looped] = value or over.strip()
    filled = _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)
    return filled[:TEXT_MAX]
