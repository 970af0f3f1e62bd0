"""A command line is parted as a shell parts it, and never run."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emeritus.evaluation import shell


def _texts(command: str) -> list[str]:
    return [each.text for each in shell.parts(command)]


@pytest.mark.parametrize(
    ("command", "parted"),
    [
        ("a 1; b 2 && c || d\ne & f", ["a 1", "b 2", "c", "d", "e", "f"]),
        ("/usr/bin/Tool --x 'y z; w'", ["y z", "w", "tool --x y z; w"]),
        ("sudo -u root env A=1 nohup tool x &", ["tool x"]),
        ("timeout 5 nice -n 3 tool", ["tool"]),
        ("bash -c 'a 1; b 2'", ["a 1", "b 2", " "]),
        ("if true; then tool x; fi", ["true", "tool x", "fi"]),
        ("tool x # and no more", ["tool x"]),
        ("# tool x; tool y\ntool z", ["tool z"]),
        ("A=$(find it); tool $A ${A}", ["find it", "", "find it", "tool find it find it"]),
        ("for x in p q; do tool $x; done", ["for x in p q", "tool p q", "done"]),
        ("a 1 | b 2 | xargs -n1 c 3", ["c a 1 b 2 -n1 c 3"]),
        ("echo 'a 1' | bash", ["a 1", "echo a 1", "bash"]),
        ("echo 'a 1' | tee x.sh", ["a 1", "echo a 1", "tee x.sh"]),
        ("echo 'a 1' | tee x.txt", ["echo a 1", "tee x.txt"]),
        ("printf '#!/bin/sh\\na 1' > x", ["a 1", "printf #!/bin/sh\\na 1"]),
        ("at noon <<< 'a 1'", ["a 1", "at noon"]),
        ("bash <<END\na 1\nEND\nb", ["a 1", "bash", "b"]),
        ("cat > x.txt <<END\na 1\nEND\nb", ["cat", "b"]),
        ("y = 1 << n\nb", ["y = 1 n", "b"]),
        ("@reboot root a 1", ["a 1"]),
        ("0 2 * * 1-5 a 1", ["a 1"]),
        ("ExecStart=-/bin/a 1", ["a 1"]),
        ("run = a 1", ["a 1"]),
        ("os.remove('/a/b')", ["rm /a/b", ""]),
        ("if x: Path('/a/b').unlink()", ["rm /a/b", ""]),
        ("x = subprocess.run(['a', '1'])", ["a 1", ""]),
        ("os.system('a 1; b')", ["a 1", "b", ""]),
        ("log.info('a 1', 'b')", ["info b", ""]),
        ("kept = np.copy(weights)", ["cp", ""]),
        ("don't", ["don't"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_line_is_parted_into_programs(command: str, parted: list[str]) -> None:
    """At its signs, behind what only starts another, with what is quoted, without remarks."""
    assert [each.strip() for each in _texts(command)] == [each.strip() for each in parted]


def test_what_is_written_to_is_told_apart() -> None:
    """The files behind a sign are no words."""
    (part,) = shell.parts("tool x > '/a b' 2>/dev/null >>c &>d")
    assert part.words == ("x",)
    assert part.written == ("/a b", "/dev/null", "c", "d")


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("cd /a/x/..; tool", "a"),
        ("cd /a && cd b && tool", "a/b"),
        ("cd /a; cd ~; tool", None),
        ("cd b; tool", None),
        ("cd /" + "a" * 500 + "; tool", None),
        ("cd /a | tool", None),
    ],
)
def test_where_a_line_was_led_is_known(command: str, folder: str | None) -> None:
    """A folder that is not known is none."""
    assert shell.parts(command)[-1].folder == folder


@pytest.mark.parametrize(
    ("command", "looks"),
    [
        ("cat x", True), ("echo rm x", True), ("sed -n 1p x", True), ("sed -i 1d x", False),
        ("sed -Ei 1d x", False), ("sed --in-place 1d x", False), ("rm x", False), ("sudo ls", True),
    ],
)  # fmt: skip
def test_what_only_looks_is_told_apart(command: str, looks: bool) -> None:
    """Readers and sayers change nothing of what they name."""
    assert shell.parts(command)[0].only_looks is looks


@pytest.mark.parametrize(
    ("path", "text", "run"),
    [
        ("/a/up.sh", "", True), ("/a/up", "#!/bin/sh", True),
        ("/a/.b/up", "tool", True), ("/a/b.c/up", "tool", False),
        ("/a/up", "tool", False),
        ("/a/.up", "tool", True), ("/a/.up.md", "tool", False), ("/a/UP.Service", "", True),
        ("/etc/cron.d/up", "tool", True), ("/home/x/.bash_profile", "", True),
        ("/var/spool/cron/crontabs/x", "", True), ("/a/note.txt", "systemctl start x", False),
        ("/a/cronicle.txt", "", False),
    ],
)  # fmt: skip
def test_a_file_that_is_run_is_told_from_one_that_is_read(path: str, text: str, run: bool) -> None:
    """By its first line, its name or its place; what is hidden is taken for a script."""
    assert shell.is_run(path, text) is run


def test_what_lies_too_deep_or_is_too_long_is_not_read_on() -> None:
    """There is an end to quotation marks in quotation marks, and to what variables hold."""
    nested = "a"
    for _ in range(shell.DEPTH_MAX + 3):
        nested = f"$({nested} x"
    assert len(shell.parts("x" * 200_000 + "; b")) == 1
    assert shell.parts(nested)
    long = "v" * (shell.VALUE_MAX + 1)
    assert _texts(f"A={long}; tool $A")[-1] == "tool A"


@given(command=st.text(alphabet="'\"$(){}`|;&\n\\ <>=#-*[]arm:1.\0", max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_line_is_parted(command: str) -> None:
    """Nothing is raised, and the same line is parted alike."""
    assert shell.parts(command) == shell.parts(command)
