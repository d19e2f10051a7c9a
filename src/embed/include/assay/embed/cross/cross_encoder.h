// assay/embed/cross/cross_encoder.h: a BERT network that reads two texts together, on OpenVINO.
// Room: embed (uses core, text, config).
// Method: cross-encoder (Nogueira and Cho 2019, arXiv 1901.04085): [CLS] evidence [SEP] claim
// [SEP] with the types 0 and 1, and up to three outputs: relation, words, same answer. Evidence
// that does not fit is read in windows that overlap by a quarter. Logits are calibrated by a
// temperature (Guo et al. 2017, arXiv 1706.04599).
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/cross/card.h"
#include "assay/text/span.h"

namespace assay::embed {

struct TextPair {
  std::string_view evidence;
  std::string_view claim;
};

// A word of the claim: what stands between white space, without punctuation at its ends.
struct WordScore {
  text::Span span;        // bytes of the claim
  float unsupported = 0;  // probability that the evidence does not bear it out, in [0, 1]
};

// What the outputs say; what the card does not name stays as it is here.
struct PairScore {
  // Probabilities that add up to 1; "not supported" of a model with two classes counts as neutral.
  float supported = 0;
  float contradicted = 0;
  float neutral = 1;
  float same = 0;                // probability of the same answer, in [0, 1]
  std::vector<WordScore> words;  // of the claim, in order; empty without an output for tokens
};

struct CrossEncoderOptions {
  // Folders that may hold OpenVINO's libraries, as in TransformerOptions.
  std::vector<std::string> runtime_folders;
  std::size_t threads = 1;  // of one inference; 0: one per core
  std::size_t streams = 1;  // inferences beside each other; more callers wait for one another
};

class CrossEncoder {
 public:
  // Opens the model in `folder`: checker.yaml, vocab.txt, and the graph that the card names, or
  // model.xml with model.bin, or model.onnx. Errors: those of ParseCard; kNotFound (which file is
  // missing; OpenVINO's libraries), kDataLoss (a vocabulary that is damaged), kInvalidArgument (the
  // graph has not the inputs and outputs that the card names, or of other shapes; it says which
  // field), kInternal with OpenVINO's message. Takes 0.1 to 0.5 s.
  [[nodiscard]] static Result<std::unique_ptr<CrossEncoder>> Open(
      core::FileSystem& files, const std::string& folder, const CrossEncoderOptions& options = {});
  ~CrossEncoder();

  // One score a pair, in order. Threads: may be called by many at once. A score does not depend on
  // the other pairs of the call (beyond 1e-5; int8 graphs included).
  //
  // A pair that fits into max_tokens is one run of the network. Of longer evidence there are
  // windows, and they are merged: `supported` is that of the best window; `contradicted` the best
  // of any window, but at most what `supported` leaves; a word is as unsupported as in the window
  // that bears it out best; `same` is the best window's. A claim of more than half of the window
  // is read in parts, none of which is cut: the pair is as supported as its least supported part,
  // and as contradicted as its most contradicted one, again at most what is left. Time and memory
  // grow with parts times windows.
  //
  // Ill-formed UTF-8 is read as U+FFFD. A claim without a word is neutral. Errors:
  // kInvalidArgument if the sizes differ; kInternal if the inference engine fails or gives what is
  // no number.
  [[nodiscard]] Result<void> Score(std::span<const TextPair> pairs, std::span<PairScore> out) const;

  [[nodiscard]] const CrossEncoderCard& card() const;
  // "<name of the card>@<12 hexadecimal digits>", the digits being a hash of all files of the
  // model: what is scored may change only when this does.
  [[nodiscard]] std::string_view name() const;

 private:
  struct State;
  explicit CrossEncoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The first folder below one of `folders` whose name begins with "checker" and that holds a
// checker.yaml; several in one folder count by name, and the one that Assay ships, "checker"
// itself, counts last of all. Where a manifest.json beside it names the model, its files are
// compared with it first. Errors: kNotFound; those of FindModel.
[[nodiscard]] Result<std::string> FindChecker(core::FileSystem& files,
                                              std::span<const std::string> folders);

}  // namespace assay::embed
