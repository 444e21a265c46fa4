"""Writes a language model of a few hundred kilobytes with random weights and serves it with llama.cpp.

    $ python tests/peers/tiny_llama.py --port 8011

The interpreter needs `llama-cpp-python[server]` and `gguf`; the words are noise, the server is the real one.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType  # type: ignore[import-not-found]

LAYERS, WIDTH, HEADS, HIDDEN, CONTEXT, SPECIALS = 2, 64, 4, 128, 512, 3


def write_model(path: Path, seed: int = 7) -> None:
    """A Llama of two layers whose vocabulary is the 256 bytes."""
    random = np.random.default_rng(seed)
    writer = GGUFWriter(str(path), "llama")
    _describe(writer)
    for name, shape in _tensors().items():
        is_norm = name.endswith("norm.weight")
        values = np.ones(shape) if is_norm else random.normal(0, 0.3, shape)
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: GGUFWriter) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
    writer.add_token_scores([0.0] * (SPECIALS + 256))
    writer.add_token_types([TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def _tensors() -> dict[str, tuple[int, ...]]:
    vocabulary = SPECIALS + 256
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, WIDTH),
        "output_norm.weight": (WIDTH,),
        "output.weight": (vocabulary, WIDTH),
    }
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        shapes |= {f"{block}.{name}.weight": (WIDTH, WIDTH) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
        shapes |= {f"{block}.{name}.weight": (HIDDEN, WIDTH) for name in ("ffn_gate", "ffn_up")}
        shapes |= {f"{block}.{name}.weight": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
        shapes[f"{block}.ffn_down.weight"] = (WIDTH, HIDDEN)
    return shapes


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8011)
    port = str(options.parse_args().port)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "tiny.gguf"
        write_model(model)
        arguments = ["--model", str(model), "--model_alias", "tiny", "--port", port, "--n_ctx", str(CONTEXT)]
        subprocess.run([sys.executable, "-m", "llama_cpp.server", *arguments, "--chat_format", "chatml"], check=False)


if __name__ == "__main__":
    main()
