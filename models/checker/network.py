"""The checker's network: MiniLM-L6 reading evidence and claim together, with three heads.

BERT (Devlin et al. 2019) of 6 layers, 384 wide, 12 heads, as in models/minilm/graph.py, here for training. The relation
and pair heads see the first token and the means of evidence and of claim; the token head sees each token.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LAYERS, WIDTH, HEADS = 6, 384, 12
EPSILON = 1e-12
RELATIONS = ("supported", "contradicted", "neutral")


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.mix_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.widen = nn.Linear(WIDTH, 4 * WIDTH)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, x, keep, dropout):
        batch, length, _ = x.shape
        q, k, v = (part.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)
                   for part in self.qkv(x).split(WIDTH, dim=2))
        # Plain products: on a CPU the fused attention's backward pass takes a third of a step.
        weights = (q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5).masked_fill(~keep, -1e4).softmax(3)
        mixed = weights.to(v.dtype) @ v
        mixed = self.mix(mixed.transpose(1, 2).reshape(batch, length, WIDTH))
        x = self.mix_norm(x + functional.dropout(mixed, dropout, self.training))
        narrow = self.narrow(functional.gelu(self.widen(x)))
        return self.norm(x + functional.dropout(narrow, dropout, self.training))


class Checker(nn.Module):
    def __init__(self, vocabulary=30522, positions=512):
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.places = nn.Embedding(positions, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.pool = nn.Linear(3 * WIDTH, WIDTH)
        self.relation = nn.Linear(WIDTH, len(RELATIONS))
        self.pair = nn.Linear(WIDTH, 1)
        self.tokens = nn.Linear(WIDTH, 1)

    def embed(self, ids, types):
        places = torch.arange(ids.shape[1])
        return self.norm(self.words(ids) + self.places(places)[None] + self.segments(types))

    def run_layers(self, x, mask, first=0, last=LAYERS, dropout=0.0):
        keep = mask[:, None, None, :].bool()
        for layer in self.layers[first:last]:
            x = layer(x, keep, dropout)
        return x

    def heads(self, x, types, mask, dropout=0.0):
        """Logits: relation [batch, 3], pair [batch], tokens [batch, length]."""
        claim = (types * mask).to(x.dtype)[..., None]
        evidence = ((1 - types) * mask).to(x.dtype)[..., None]
        means = [(x * part).sum(1) / part.sum(1).clamp(min=1) for part in (evidence, claim)]
        pooled = torch.tanh(self.pool(torch.cat([x[:, 0], *means], dim=1)))
        pooled = functional.dropout(pooled, dropout, self.training)
        return self.relation(pooled), self.pair(pooled)[:, 0], self.tokens(x)[..., 0]

    def forward(self, ids, types, mask, dropout=0.0):
        x = self.run_layers(self.embed(ids, types), mask, dropout=dropout)
        return self.heads(x, types, mask, dropout)


def load_minilm(network, weights):
    """Copies the published weights (name -> array) into the encoder; the heads stay as they were made."""
    def copy(parameter, *names):
        value = np.concatenate([weights[name] for name in names])
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(value.copy()))

    copy(network.words.weight, "embeddings.word_embeddings.weight")
    copy(network.places.weight, "embeddings.position_embeddings.weight")
    copy(network.segments.weight, "embeddings.token_type_embeddings.weight")
    norms = {"norm": "embeddings.LayerNorm"}
    linear = {}
    for i in range(LAYERS):
        prefix = f"encoder.layer.{i}."
        attention = prefix + "attention."
        for kind in ("weight", "bias"):
            copy(getattr(network.layers[i].qkv, kind),
                 *(f"{attention}self.{part}.{kind}" for part in ("query", "key", "value")))
        linear |= {(i, "mix"): attention + "output.dense", (i, "widen"): prefix + "intermediate.dense",
                   (i, "narrow"): prefix + "output.dense", (i, "mix_norm"): attention + "output.LayerNorm",
                   (i, "norm"): prefix + "output.LayerNorm"}
    for kind in ("weight", "bias"):
        copy(getattr(network.norm, kind), f"{norms['norm']}.{kind}")
        for (i, name), source in linear.items():
            copy(getattr(getattr(network.layers[i], name), kind), f"{source}.{kind}")
