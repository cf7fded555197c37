#!/usr/bin/env python3
"""Makes roberta.json: what the reference library says of a tiny RoBERTa.  usage: make_roberta.py > roberta.json

Made with torch 2.15.0 and transformers 5.24.0. The weights are no third party's: value i of a tensor comes from its name and i alone (see weight), so
that only names and shapes are stored, as save_pretrained writes them. Arithmetic is in float64. Row 2 has padding, whose logits are left out."""
import json, math, os, sys, tempfile
import numpy as np, torch
from safetensors import safe_open
from transformers import RobertaConfig, RobertaForMaskedLM, RobertaForSequenceClassification

M = (1 << 64) - 1


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & M
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & M
    return z ^ z >> 31


def weight(name, shape):
    """Uniform in [-.25, .25), around 1 for the gains of norms; the beginning is the FNV-1a hash of the name."""
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & M
    one = 1. if "norm" in name.lower() and name.endswith("weight") else 0.
    x = [one + .5 * ((mix((h + i) & M) >> 11) / 2**53 - .5) for i in range(math.prod(shape))]
    return torch.tensor(np.array(x, np.float32)).double().reshape(shape)


def filled(m):
    """Gives every tensor of the file that the library writes its values."""
    with tempfile.TemporaryDirectory() as d:
        m.save_pretrained(d)
        with safe_open(os.path.join(d, "model.safetensors"), "pt") as f:
            shapes = {k: list(f.get_slice(k).get_shape()) for k in f.keys()}
        c = json.load(open(os.path.join(d, "config.json")))
    named = dict(m.named_parameters())
    with torch.no_grad():
        for name, shape in shapes.items():
            named[name].copy_(weight(name, shape))
    return m.eval(), {"config": {k: v for k, v in c.items() if k not in ("transformers_version", "dtype")}, "shapes": shapes}


def numbers(t):
    return [float(f"{x:.8g}") for x in t.detach().flatten().tolist()]


def grads(m, loss):
    """Norm, sum and the first two values."""
    loss.backward()
    return {k: numbers(torch.cat([p.grad.norm()[None], p.grad.sum()[None], p.grad.flatten()[:2]])) for k, p in m.named_parameters() if p.grad is not None}


torch.set_default_dtype(torch.float64)
sizes = dict(vocab_size=37, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20, max_position_embeddings=12, type_vocab_size=1,
             pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5, hidden_act="gelu", hidden_dropout_prob=0., attention_probs_dropout_prob=0.,
             attn_implementation="eager")
ids = torch.tensor([[0, 7, 36, 11, 4, 23, 19, 30, 2], [0, 15, 4, 28, 9, 2, 1, 1, 1]])
real = ids != 1
kw = dict(input_ids=ids, attention_mask=real.long())
labels = torch.tensor([[-100, -100, 36, -100, 12, -100, -100, 30, -100], [-100, 15, 21, -100, -100, -100, -100, -100, -100]])
golden = {"ids": ids.flatten().tolist(), "time": ids.shape[1], "lengths": real.sum(1).tolist(), "labels": labels.flatten().tolist(), "classes": [2, 0]}
m, g = filled(RobertaForMaskedLM(RobertaConfig(**sizes)))
out = m(**kw, labels=labels)
golden["masked"] = g | {"logits": numbers(out.logits[real]), "loss": out.loss.item(), "grads": grads(m, out.loss)}
m, g = filled(RobertaForSequenceClassification(RobertaConfig(**sizes, num_labels=3)))
out = m(**kw, labels=torch.tensor(golden["classes"]))
golden["classify"] = g | {"logits": numbers(out.logits), "loss": out.loss.item(), "grads": grads(m, out.loss)}
json.dump(golden, sys.stdout, separators=(",", ":"))
print()
