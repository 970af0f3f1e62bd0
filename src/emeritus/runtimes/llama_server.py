"""`python -m emeritus.runtimes.llama_server FILE THREADS NAME`: llama.cpp behind HTTP.

In a process of its own, since a defect in its C++ code may abort it.
"""

import sys
from collections.abc import Sequence

from emeritus.runtimes.child import end_with_parent, report_ready


def main(arguments: Sequence[str]) -> None:
    """Serve the GGUF file under the name that is given, until standard input ends."""
    import xllamacpp

    end_with_parent()
    threads = int(arguments[1])
    params = xllamacpp.CommonParams()
    params.model.path = arguments[0]
    params.model_alias = {arguments[2]}
    params.n_ctx = 0  # the context that the model was trained with
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # A 16-bit cache moves log-probabilities by 3e-4, flash attention by more; in 32 bits without
    # it, results are bitwise the same for any number of threads and any batch.
    params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_F32
    params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0  # else it keeps up to 8 GiB of prompts
    params.warmup = False
    params.ui = False
    params.verbosity = 0
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(f"llama.cpp cannot load {arguments[0]}: {error}")
    report_ready({"url": server.listening_address, "version": xllamacpp.__version__})
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(sys.argv[1:])
