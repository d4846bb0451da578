"""The interpreter that has what the corpora import, and the corpora themselves.

Both are made once and kept: `bench/env/`, `bench/corpora/NAME/`.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ENV = BENCH / "env"
PYTHON = ENV / "bin" / "python"
CORPORA = BENCH / "corpora"
TORCH = "torch==2.13.0"
# Packages of models, small ones, beside those below.
SMALL = {
    "denoising_diffusion_pytorch": "2.3.4",
    "efficientnet_pytorch": "0.7.1",
    "facenet_pytorch": "2.6.0",
    "geffnet": "1.0.2",
    "lightweight_gan": "1.2.1",
    "lpips": "0.1.4",
    "open_clip_torch": "3.3.0",
    "perceiver_pytorch": "0.11.0",
    "performer_pytorch": "1.1.4",
    "pretrainedmodels": "0.7.4",
    "pytorch_tabnet": "4.1.0",
    "pytorch_tcn": "1.2.3",
    "reformer_pytorch": "1.4.4",
    "resnest": "0.0.5",
    "stylegan2_pytorch": "1.9.0",
    "tab_transformer_pytorch": "0.6.1",
    "torchcrepe": "0.0.24",
    "vector_quantize_pytorch": "1.32.0",
    "vit_pytorch": "1.26.11",
    "x_transformers": "2.31.10",
}
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


def make_corpora(packages: Mapping[str, str] = PACKAGES) -> None:
    for name, version in packages.items():
        folder = CORPORA / name
        ready = folder / ".ready"
        if ready.exists() and ready.read_text(encoding="utf-8") == version:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        # As a wheel, built here where there is none: what is installed, not what surrounds it.
        pip("wheel", "--no-deps", "--wheel-dir", str(folder), f"{name}=={version}")
        (wheel,) = folder.glob(f"{name}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()
        ready.write_text(version, encoding="utf-8")


def pip(*arguments: str) -> None:
    subprocess.run([str(PYTHON), "-m", "pip", "--quiet", *arguments], check=True)
