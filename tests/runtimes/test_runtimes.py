"""Runtimes keep their laws, agree with each other, and say beforehand how far they reach."""

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emeritus.errors import MissingExtra, Unavailable, UserError
from emeritus.runtimes import choose, describe, reach
from emeritus.runtimes.bpe import Tokenizer
from emeritus.runtimes.client import Busy, chat, model_names
from emeritus.runtimes.command import Command, templates
from emeritus.runtimes.convert import to_gguf
from emeritus.runtimes.kinds import Served, runtime
from emeritus.runtimes.llama import Cache, Llama, log_softmax, read_config
from emeritus.runtimes.reach import installed
from emeritus.runtimes.sampling import Sampling, generate
from emeritus.runtimes.scoring import score_over_http, tokenize_over_http
from emeritus.runtimes.template import render
from emeritus.testing.runtimes import check_runtime
from emeritus.testing.scripted import Answer, scripted
from tests.vault.folders import bfloat16, safetensors

needs_llama_cpp = pytest.mark.skipif(
    not (installed("xllamacpp") and installed("gguf")), reason="the extra `local` is not installed"
)
TEXTS = ["The function returns a list.", "Hello, what are you?", "naïve 日本 🙂 x_y 3.14"]


@pytest.mark.parametrize("name", ["reference", pytest.param("local", marks=needs_llama_cpp)])
def test_a_runtime_keeps_every_law(name: str, sparrow: Path) -> None:
    """Loopback only, repeatable by its seed, honest about cut answers, gone at the end."""
    check_runtime(runtime(name), sparrow)


def test_a_command_starts_a_server_and_ends_it(sparrow: Path) -> None:
    """The template is filled without a shell, and the server passes the same suite."""
    module = "emeritus.runtimes.reference_server"
    holder = (
        "import subprocess, sys; "
        f"p = subprocess.Popen([sys.executable, '-m', '{module}', *sys.argv[1:]], "
        "stdin=subprocess.PIPE); p.wait()"
    )
    check_runtime(
        Command("own", (sys.executable, "-c", holder, "{source}", "{port}", "{model}")), sparrow
    )


def test_a_command_that_fails_says_so() -> None:
    """A program that ends or is not there is an error with its own last words."""
    failing = Command("x", (sys.executable, "-c", "import sys; sys.exit('no \x1b[31mluck')"))
    with pytest.raises(Unavailable, match="luck"), failing.start(Path(), 1):
        pass
    with (
        pytest.raises(UserError, match="cannot be started"),
        Command("x", ("/none",)).start(Path(), 1),
    ):
        pass


def test_shipped_templates_that_were_not_run_are_marked() -> None:
    """vLLM and llama-server are offered, and listed as untested."""
    assert {name: each.tested for name, each in templates().items()} == {
        "vllm": False,
        "llama-server": False,
    }


@needs_llama_cpp
def test_both_runtimes_give_the_same_log_probabilities(sparrow: Path) -> None:
    """Our runner and llama.cpp agree within 1e-3 nats, and tokenise alike."""
    tokenizer, model = Tokenizer.load(sparrow), Llama.load(sparrow)
    with runtime("local").start(sparrow, 1) as endpoint:
        for text in TEXTS:
            ids = tokenizer.encode(text)
            assert tokenize_over_http(endpoint, text) == ids
            theirs = score_over_http(endpoint, ids)
            assert np.abs(np.asarray(theirs) - model.score(ids)).max() < 1e-3


def test_the_reference_repeats_itself_bit_by_bit(sparrow: Path) -> None:
    """The same model on the same machine gives the same bits; step by step is close."""
    ids = Tokenizer.load(sparrow).encode(TEXTS[0])
    model = Llama.load(sparrow)
    first = model.score(ids)
    assert np.array_equal(first, Llama.load(sparrow).score(ids))
    cache = Cache(model.config.num_hidden_layers)
    steps = [log_softmax(model.logits([token], cache)[-1]) for token in ids[:-1]]
    stepwise = [step[token] for step, token in zip(steps, ids[1:], strict=True)]
    assert np.abs(first - stepwise).max() < 1e-4


def test_sampling_repeats_with_its_seed_and_stops_where_it_must(sparrow: Path) -> None:
    """The same seed gives the same tokens; the context ends an answer."""
    model, tokenizer = Llama.load(sparrow), Tokenizer.load(sparrow)
    prompt = tokenizer.encode("The")
    how = Sampling(temperature=1.0, top_p=0.9, max_tokens=20, seed=3)
    first = list(generate(model, prompt, frozenset(), how))
    assert first == list(generate(model, prompt, frozenset(), how))
    full = [1] * (model.config.max_position_embeddings - 2)
    assert len(list(generate(model, full, frozenset(), how))) <= 2
    with pytest.raises(UserError, match="context"):
        model.logits([1] * (model.config.max_position_embeddings + 1))


@given(st.text())
def test_any_text_is_tokenised_and_comes_back(text: str) -> None:
    """`decode(encode(text)) == text` for any text without lone surrogates."""
    folder = Path(__file__).parents[2] / "src/emeritus/examples/sparrow-1"
    tokenizer = _tokenizer(folder)
    clean = text.encode("utf-8", "replace").decode()
    assert tokenizer.decode(tokenizer.encode(clean, special=False)) == clean


_LOADED: dict[Path, Tokenizer] = {}


def _tokenizer(folder: Path) -> Tokenizer:
    return _LOADED.setdefault(folder, Tokenizer.load(folder))


def test_special_tokens_in_what_a_user_says_are_told_apart(sparrow: Path) -> None:
    """Special tokens count as such in a rendered template only."""
    tokenizer = _tokenizer(sparrow)
    assert tokenizer.encode("<|im_end|>") == [tokenizer.special["<|im_end|>"]]
    assert len(tokenizer.encode("<|im_end|>", special=False)) > 1


def test_a_template_runs_in_a_sandbox() -> None:
    """A template can refuse, and cannot reach the machine."""
    assert render("{{ messages[0].content }}", [{"role": "user", "content": "x"}]) == "x"
    for template in (
        "{{ raise_exception('no system') }}",
        "{{ ''.__class__.__mro__ }}{{ cycler.__init__.__globals__ }}",
        "{% for x in range(10**9) %}{% endfor %}",
        "{{",
    ):
        with pytest.raises(UserError, match="chat template"):
            render(template, [])


def test_the_example_is_described_from_its_files(sparrow: Path) -> None:
    """Architecture, parameters, types, context and licence, without running anything."""
    found = describe(sparrow)
    assert (found.form, found.architecture) == ("hf-folder", "LlamaForCausalLM")
    assert found.parameters is not None
    assert 700_000 <= found.parameters <= 1_000_000
    assert (found.dtypes, found.context, found.chat_template) == (("BF16",), 1024, True)
    assert reach(found, choose(found)).unproven == ()


def _folder(root: Path, config: dict[str, object], weights: str) -> Path:
    root.mkdir()
    (root / "config.json").write_text(json.dumps(config))
    if weights.endswith("safetensors"):
        safetensors(root / weights, {"w": bfloat16((4, 4), 1)})
    else:
        (root / weights).write_bytes(b"\x80\x04.")
    return root


def test_another_architecture_is_told_what_cannot_be_done(tmp_path: Path) -> None:
    """Bytes and tensors, and in plain words why no more."""
    found = describe(_folder(tmp_path / "m", {"architectures": ["BertModel"]}, "m.safetensors"))
    within = reach(found, choose(found))
    assert within.rungs == ("bytes", "tensors")
    assert not within.interview
    assert "BertModel" in within.unproven[0]
    assert within.speaks is False
    assert "gives no text" in within.unheard[0]


@pytest.mark.parametrize(
    ("architecture", "speaks"),
    [
        ("MistralForCausalLM", True),
        ("T5ForConditionalGeneration", True),
        ("GPT2LMHeadModel", True),
        ("BertForMaskedLM", False),
        ("XLMRobertaModel", False),
        ("MistralModel", None),
        ("SomethingNew", None),
    ],
)
def test_a_model_that_could_speak_is_never_told_to_be_mute(
    tmp_path: Path, architecture: str, speaks: bool | None
) -> None:
    """Only a sure encoder or classifier gives no text; what is not known stays open."""
    found = describe(_folder(tmp_path / "m", {"architectures": [architecture]}, "m.safetensors"))
    within = reach(found, choose(found))
    assert within.speaks is speaks
    assert not within.interview


def test_a_pickle_is_kept_and_never_opened(tmp_path: Path) -> None:
    """A model of pickles is preserved as bytes, and the reason is said."""
    found = describe(_folder(tmp_path / "m", {"model_type": "gpt2"}, "pytorch_model.bin"))
    assert found.form == "pickle-only"
    within = reach(found, choose(found))
    assert within.rungs == ("bytes",)
    assert "never opened" in within.unproven[0]
    assert within.speaks is None
    assert "--endpoint" in within.unheard[0]


def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path: Path) -> None:
    """Not a stack trace, and not an empty model."""
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match=r"no config\.json"):
        describe(tmp_path)
    with pytest.raises(UserError, match="nothing at"):
        describe(tmp_path / "none")
    (tmp_path / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="UTF-8"):
        describe(tmp_path)


@needs_llama_cpp
def test_a_gguf_file_is_described_and_its_damage_is_refused(tmp_path: Path, sparrow: Path) -> None:
    """The header gives architecture and tensors; cut or lying headers are refused."""
    file = tmp_path / "m.gguf"
    to_gguf(sparrow, file)
    found = describe(file)
    assert (found.form, found.architecture, found.dtypes) == ("gguf", "llama", ("F32",))
    assert found.parameters == describe(sparrow).parameters
    assert reach(found, "local").rungs == ("bytes", "log-probabilities")
    data = file.read_bytes()
    for number, bad in enumerate(
        [
            data[:20],
            b"GGML" + data[4:],
            data[:4] + struct.pack("<I", 9) + data[8:],
            data[:8] + struct.pack("<Q", 2**60) + data[16:],
        ]
    ):
        broken = tmp_path / f"{number}.gguf"
        broken.write_bytes(bad)
        with pytest.raises(UserError, match="no sound GGUF"):
            describe(broken)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises((Unavailable, UserError)), runtime("local").start(cut, 1):
        pass


def test_a_model_that_the_reference_does_not_know_is_refused_by_name(
    tmp_path: Path, sparrow: Path
) -> None:
    """Scaled rotary embeddings, other activations and biases are named, not ignored."""
    config = json.loads((sparrow / "config.json").read_text())
    for change, said in (
        ({"architectures": ["MistralForCausalLM"]}, "Mistral"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"attention_bias": True}, "biases"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rotary"),
        ({"vocab_size": "many"}, "no configuration"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(UserError, match=said):
            read_config(tmp_path)


def test_a_missing_extra_says_the_install_line(
    monkeypatch: pytest.MonkeyPatch, sparrow: Path
) -> None:
    """Without xllamacpp the message is the line that installs it."""
    monkeypatch.setattr("emeritus.runtimes.kinds.installed", lambda _: False)
    with (
        pytest.raises(MissingExtra, match=r"pip install 'emeritus\[local\]'"),
        runtime("local").start(sparrow, 1),
    ):
        pass
    monkeypatch.setattr(sys.modules["emeritus.runtimes.reach"], "installed", lambda _: False)
    assert choose(describe(sparrow)) == "reference"
    with pytest.raises(UserError, match=r"there are local, reference, vllm \(untested\)"):
        runtime("magic")


def test_a_server_dies_with_the_process_that_started_it(sparrow: Path) -> None:
    """Even when that was killed and could not say goodbye."""
    program = (
        "import sys, time; from pathlib import Path; from emeritus.runtimes.kinds import runtime\n"
        f"with runtime('reference').start(Path({str(sparrow)!r}), 1) as e:\n"
        "    print(e.url, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    endpoint = Served(parent.stdout.readline().strip(), "m")
    with endpoint.start(Path(), 1) as served:
        assert model_names(served)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        latest = time.monotonic() + 10
        while time.monotonic() < latest:
            try:
                model_names(served)
            except Busy:
                return
            time.sleep(0.05)
    pytest.fail("the server outlived its parent")


def test_an_answer_that_is_none_is_asked_again_and_not_recorded(tmp_path: Path) -> None:
    """No JSON, no message, a busy server: each may be tried again; a refusal may not."""
    for answer in (Answer(status=500), Answer(status=429)):
        with scripted(lambda _, a=answer: a) as endpoint, pytest.raises(Busy):  # type: ignore[misc]
            asyncio.run(chat(endpoint, [], {}))
    with scripted(lambda _: Answer(status=401)) as endpoint, pytest.raises(UserError):
        asyncio.run(chat(endpoint, [], {}))
    with pytest.raises(UserError, match="no address"), Served("host", "m").start(tmp_path, 1):
        pass
