"""The interpreter that has what the corpora import, and the corpora themselves.

Both are made once and kept: `bench/env/`, `bench/corpora/NAME/`.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ENV = BENCH / "env"
PYTHON = ENV / "bin" / "python"
CORPORA = BENCH / "corpora"
TORCH = "torch==2.13.0"
PACKAGES = {
    "diffusers": "0.42.1",
    "kornia": "0.9.0",
    "monai": "1.6.1",
    "pytorchcv": "0.0.74",
    "segmentation_models_pytorch": "0.6.0",
    "timm": "1.0.31",
    "torch_geometric": "2.8.1",
    "torchvision": "0.28.0",
    "transformers": "5.23.0",
}


def make_environment() -> None:
    ready = ENV / ".ready"
    wanted = TORCH + "\n" + (BENCH / "requirements.txt").read_text(encoding="utf-8")
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", str(ENV)], check=True)
    pip("install", TORCH)
    pip("install", "--requirement", str(BENCH / "requirements.txt"))
    ready.write_text(wanted, encoding="utf-8")


def make_corpora() -> None:
    for name, version in PACKAGES.items():
        folder = CORPORA / name
        ready = folder / ".ready"
        if ready.exists() and ready.read_text(encoding="utf-8") == version:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        pip("download", "--no-deps", "--dest", str(folder), f"{name}=={version}")
        (wheel,) = folder.glob(f"{name}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()
        ready.write_text(version, encoding="utf-8")


def pip(*arguments: str) -> None:
    subprocess.run([str(PYTHON), "-m", "pip", "--quiet", *arguments], check=True)
