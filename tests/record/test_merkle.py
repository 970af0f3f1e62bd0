"""The tree: the published roots and proofs, and that no other proof is accepted."""

from hypothesis import given
from hypothesis import strategies as st

from emeritus.record import merkle
from tests.record.trees import definition, nodes

# The reference leaves and roots of the Certificate Transparency test suites, for sizes 0 to 8.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
LEAVES += ["606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_5_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
PROOF_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
PROOF_2_TO_5 = [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
]
REFERENCE = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
SIZES = st.integers(1, 70)


def _hex(hashes: list[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def _leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(count)]


def test_the_roots_are_the_published_ones() -> None:
    """For each of the first nine sizes of the reference tree, in both ways of computing."""
    node = nodes(REFERENCE)
    assert [merkle.root(size, node).hex() for size in range(9)] == ROOTS
    assert [merkle.fold(REFERENCE[:size]).hex() for size in range(9)] == ROOTS


def test_the_proofs_are_the_published_ones() -> None:
    """One audit path and two consistency proofs of the reference tree."""
    node = nodes(REFERENCE)
    assert _hex(merkle.inclusion(5, 8, node)) == PATH_5_OF_8
    assert _hex(merkle.consistency(6, 8, node)) == PROOF_6_TO_8
    assert _hex(merkle.consistency(2, 5, node)) == PROOF_2_TO_5
    assert merkle.inclusion(0, 1, node) == []


def test_the_example_of_rfc_9162_has_its_nodes() -> None:
    """Section 2.1.5: the tree of seven entries, whose proofs the text lists by letter."""
    leaves = _leaves(7)
    a, b, c, d, e, f, j = leaves
    g, h, i = merkle.node_hash(a, b), merkle.node_hash(c, d), merkle.node_hash(e, f)
    k, l = merkle.node_hash(g, h), merkle.node_hash(i, j)  # noqa: E741  the letters of the RFC
    node = nodes(leaves)
    assert merkle.root(7, node) == merkle.node_hash(k, l)
    assert merkle.inclusion(0, 7, node) == [b, h, l]
    assert merkle.inclusion(3, 7, node) == [c, g, l]
    assert merkle.inclusion(4, 7, node) == [f, j, k]
    assert merkle.inclusion(6, 7, node) == [i, k]
    assert merkle.consistency(3, 7, node) == [c, d, g, l]
    assert merkle.consistency(4, 7, node) == [l]
    assert merkle.consistency(6, 7, node) == [i, j, k]


def test_every_root_and_proof_up_to_a_size_holds() -> None:
    """All pairs up to 40: the root is the definition's, and every proof is accepted."""
    leaves = _leaves(40)
    node = nodes(leaves)
    heads = [definition(leaves[:size]) for size in range(41)]
    for new in range(41):
        assert merkle.root(new, node) == heads[new] == merkle.fold(leaves[:new])
        for old in range(new + 1):
            proof = merkle.consistency(old, new, node)
            assert merkle.consistent(old, new, heads[old], heads[new], proof)
        for index in range(new):
            path = merkle.inclusion(index, new, node)
            assert merkle.includes(index, new, leaves[index], path, heads[new])


@given(SIZES, st.data())
def test_no_inclusion_proof_fits_anything_else(size: int, data: st.DataObject) -> None:
    """Another index, leaf, root, a changed, missing or added hash: all are refused."""
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    head, path = definition(leaves), merkle.inclusion(index, size, nodes(leaves))
    other = data.draw(st.integers(0, size - 1).filter(lambda each: size == 1 or each != index))
    if size > 1:
        assert not merkle.includes(other, size, leaves[index], path, head)
        assert not merkle.includes(index, size, leaves[other], path, head)
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:at], merkle.EMPTY, *path[at + 1 :]]
        assert not merkle.includes(index, size, leaves[index], changed, head)
        assert not merkle.includes(index, size, leaves[index], path[:at] + path[at + 1 :], head)
    assert not merkle.includes(index, size, leaves[index], [*path, merkle.EMPTY], head)
    assert not merkle.includes(index, size, leaves[index], path, merkle.EMPTY)
    assert not merkle.includes(size, size, leaves[index], path, head)


@given(st.integers(2, 70), st.data())
def test_no_consistency_proof_fits_another_history(size: int, data: st.DataObject) -> None:
    """An old tree in which any one entry was another is no beginning of the new one."""
    old = data.draw(st.integers(1, size - 1))
    at = data.draw(st.integers(0, old - 1))
    leaves = _leaves(size)
    head = definition(leaves)
    proof = merkle.consistency(old, size, nodes(leaves))
    other = [*leaves[:at], merkle.EMPTY, *leaves[at + 1 :]]
    assert merkle.consistent(old, size, definition(leaves[:old]), head, proof)
    assert not merkle.consistent(old, size, definition(other[:old]), head, proof)
    made_up = merkle.consistency(old, size, nodes(other))
    assert not merkle.consistent(old, size, definition(other[:old]), head, made_up)
    assert not merkle.consistent(old, size, definition(leaves[:old]), head, [*proof, merkle.EMPTY])
    assert not merkle.consistent(old, size, definition(leaves[:old]), head, proof[:-1])
    assert not merkle.consistent(size, old, head, definition(leaves[:old]), proof)
