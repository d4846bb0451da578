"""What the words in a parameter's name say about its value. General habits of the field only."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

CHANNELS = 64
BATCH = 2
LENGTH = 8
SPATIAL = 16
VOCABULARY = 99
HEADS = 4

_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> Tuple[str, ...]:
    return tuple(word.lower() for word in _SPLIT.findall(name))


# The first rule whose words all occur wins. `^word` means the first word, `word$` the last one.
_RULES: Sequence[Tuple[str, Sequence[str]]] = (
    ("^use|^is|^has|^with|^do|^return|^enable|^apply|^add|^should|^share|^shared",
     ["False", "True"]),
    ("bias|affine|inplace|causal|bidirectional|normalize|residual|pretrained", ["True", "False"]),
    ("dropout|drop|dropouts|droprate", ["0.1", "0.0"]),
    ("^p$|prob|probability", ["0.1", "0.5"]),
    ("eps|epsilon", ["1e-5"]),
    ("momentum", ["0.1"]),
    ("slope", ["0.1"]),
    ("embeddings num|vocab|vocabulary|vocabs|voc|tokens num|ntoken|ntokens", ["99"]),
    ("head dim|head size|head channels|heads dim|dim head", ["16", "64"]),
    ("spatial dims|spatial dim|spatial rank|ndim|ndims|dimensions|dimensionality", ["2", "3", "1"]),
    ("dim$|dims$|channels$|planes$|features$", ["64", "32", "128", "16", "4"]),
    ("pool|pooling", ["2", "(2, 2)", "'mean'"]),
    ("heads|head num|nhead|nheads|head n|num attention", ["4", "2", "8", "1"]),
    ("dilation|dilations|dilate", ["1", "2"]),
    ("stride|strides", ["1", "2", "(1, 1)"]),
    ("padding|pad|paddings", ["1", "0", "(1, 1)"]),
    ("kernel|kernels|kernelsize|ks|^k$", ["3", "(3, 3)", "1"]),
    ("groups num|group num", ["4", "1", "32"]),
    ("groups|group|cardinality", ["1", "2", "4"]),
    ("classes|labels|class|categories|nclass|nclasses|label", ["10", "2"]),
    ("layers|depth|depths|blocks|repeats|repeat|nlayers|layer num|block num|steps|stages|iterations"
     "|loops|convs|stacks|levels|hops|iters", ["2", "1", "3", "4"]),
    ("patch", ["4", "16", "(4, 4)"]),
    ("window", ["4", "7", "(4, 4)"]),
    ("image size|img size|out size|output size|target size|input size"
     "|resolution|image|img|in size|size spatial|height|width|shape"
     "|grid|crop", ["(16, 16)", "16", "32", "64", "224"]),
    ("ratio|expansion|expand|multiplier|mult|factor", ["2", "1", "4", "0.5"]),
    ("upscale|downscale|scales|upsampling|downsampling", ["2"]),
    ("reduction|squeeze|bottleneck", ["4", "2", "16", "'mean'"]),
    ("betas", ["(0.0001, 0.02)"]),  # of a schedule of noise, or of Adam
    ("temperature|scale|alpha|beta|gamma|lambda|weight|gain|sigma|theta|tau|margin|scaling|delta"
     "|rate|decay|std|mean|init|threshold|value|coef|coefficient|lr|radius|cutoff|power",
     ["1.0", "0.5"]),
    ("seq|length|len|positions|position|context|maxlen|timesteps|max num", ["64"]),
    ("rank|degree|order|topk|experts|k$|relations num|types num", ["2", "4"]),
    ("channels|channel|chs|ch|chn|dim|dims|hidden|features|feature|feat|feats|planes|plane|filters"
     "|filter|embed|embedding|size|units|d|c|cin|cout|inp|oup|model|inplanes|outplanes|nf|nc|inc"
     "|outc|in|out|width|n_embd|embd|neurons|hid|emb|latent|z|state|inner|mid|intermediate|dmodel"
     "|nhid|ninp|nin|nout|nfeat|inchannels|ndf|ngf", ["64", "32", "128", "16", "4"]),
    ("activation|act|nonlinearity|activ|nonlin", ["torch.nn.ReLU()", "torch.nn.ReLU", "'relu'"]),
    ("norm|normalization|bn", ["torch.nn.BatchNorm2d", "torch.nn.LayerNorm", "'batch'"]),
    ("dtype", ["torch.float32"]),
    ("device", ["'cpu'", "torch.device('cpu')"]),
    ("index|idx|id", ["0", "1"]),
    ("num|n|count|number|nb|max|min|total|times", ["2", "4", "64"]),
    ("mode|type|name|kind|method|style|aggr", ["'mean'"]),
    ("model|module|net|network|backbone|encoder|decoder|fn|layer|block|conv|body|head|branch|stem"
     "|submodule|modules|nn|mlp|func|function", ["torch.nn.Identity()", "torch.nn.ReLU"]),
)  # fmt: skip


def guesses(name: str) -> List[str]:
    """Source of values that a parameter so named may take, likeliest first; none if unknown."""
    words = words_of(name)
    for rule, values in _RULES:
        if any(_matches(one, words) for one in rule.split("|")):
            return list(values)
    return []


def _matches(rule: str, words: Tuple[str, ...]) -> bool:
    return bool(words) and all(_one(part, words) for part in rule.split(" "))


def _one(part: str, words: Tuple[str, ...]) -> bool:
    if part.startswith("^") and part.endswith("$"):
        return words == (part[1:-1],)
    if part.startswith("^"):
        return words[0] == part[1:] and len(words) > 1
    if part.endswith("$"):
        return words[-1] == part[:-1]
    return part in words
