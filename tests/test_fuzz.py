"""Whatever a reader is given, it understands it or raises the one error that it promises."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing import READERS, corpus, mutated

MUTATIONS = 150


@pytest.mark.parametrize("reader", READERS)
def test_the_corpus_is_read_or_refused(reader: str) -> None:
    """Seeds, and every input that once made a reader fail."""
    paths = corpus(reader)
    assert paths
    for path in paths:
        READERS[reader](path.read_bytes())


@pytest.mark.parametrize("reader", READERS)
def test_damaged_files_are_read_or_refused(reader: str) -> None:
    """Files of the corpus with bits flipped, parts cut out, doubled, and put in from others."""
    _mutate(reader, MUTATIONS)


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_many_damaged_files_are_read_or_refused(reader: str) -> None:
    """The same many times."""
    _mutate(reader, 50_000)


def _mutate(reader: str, count: int) -> None:
    seeds = [path.read_bytes() for path in corpus(reader)]
    rng = random.Random(f"{reader}{count}")
    for number in range(count):
        data = mutated(rng.choice(seeds), rng, seeds)
        try:
            READERS[reader](data)
        except Exception as error:
            error.add_note(f"input {number}: {data[:2000]!r}; keep it in tests/corpus/{reader}")
            raise


@pytest.mark.parametrize("reader", READERS)
@given(data=st.binary(max_size=300))
@settings(max_examples=60)
def test_any_bytes_are_read_or_refused(reader: str, data: bytes) -> None:
    """Bytes out of nowhere."""
    READERS[reader](data)
