#include "assay/embed/cross/cross_encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/embed/models.h"
#include "assay/text/wordpiece.h"

#include "batching.h"
#include "cross/merge.h"
#include "cross/windows.h"
#include "folders_internal.h"
#include "network/network.h"

namespace assay::embed {
namespace {

using internal::ClaimPieces;
using internal::Cut;
using internal::Network;
using internal::NetworkInput;
using internal::NetworkOutputs;
using internal::OpenVino;
using internal::WindowScore;

constexpr std::uint64_t kMaxVocabularyBytes = 64 << 20;
constexpr std::uint64_t kMaxCardBytes = 64 << 10;
// Of MiniLM's 384 and 1,536 values. A pair takes a fifth less time than in groups of 32, with
// figures that differ by 0.002 at most (docs/quality.md).
constexpr std::size_t kQuantizationGroup = 128;
constexpr std::string_view kCardName = "checker.yaml";
constexpr std::string_view kShippedChecker = "checker";

// Integers as the elements of a tensor of whatever type the graph wants.
class InputBuffer {
 public:
  InputBuffer(std::string name, ov_element_type_e type) : name_(std::move(name)), type_(type) {}

  void Assign(std::span<const std::int32_t> values) {
    bytes_.resize(values.size() * (type_ == I64 ? sizeof(std::int64_t) : sizeof(std::int32_t)));
    if (type_ == I64) return Copy<std::int64_t>(values);
    if (type_ == F32) return Copy<float>(values);
    Copy<std::int32_t>(values);
  }
  [[nodiscard]] NetworkInput input() {
    return {.name = name_, .index = 0, .type = type_, .data = bytes_.data()};
  }

 private:
  template <typename T>
  void Copy(std::span<const std::int32_t> values) {
    T* const out = reinterpret_cast<T*>(bytes_.data());  // as new gives it: aligned for all
    for (std::size_t i = 0; i < values.size(); ++i) out[i] = static_cast<T>(values[i]);
  }

  std::string name_;
  ov_element_type_e type_;
  std::vector<std::byte> bytes_;
};

// The pieces of one pair and where its windows begin among all sequences of the call.
struct PairPieces {
  std::vector<std::int32_t> evidence;
  ClaimPieces claim;
  std::vector<Cut> parts;
  std::vector<std::size_t> first;  // [parts + 1] sequences of each part
};

// One run's row: a part of a claim before a window of its evidence.
struct Sequence {
  const PairPieces* pair = nullptr;
  Cut evidence;
  Cut claim;

  [[nodiscard]] std::size_t length() const {
    return evidence.size + claim.size + internal::kPairSpecialTokens;
  }
  [[nodiscard]] std::size_t claim_begin() const { return evidence.size + 2; }
};

// What a run of the network reads.
struct RunRows {
  std::size_t length = 0;
  std::vector<Sequence> rows;
};

PairScore ToScore(const CrossEncoderCard& card, const ClaimPieces& claim,
                  const WindowScore& merged) {
  PairScore score;
  if (card.relation) {
    score.supported = merged.supported;
    score.contradicted = merged.contradicted;
    score.neutral = std::max(0.0F, 1 - merged.supported - merged.contradicted);
  }
  score.same = merged.same;
  if (!card.tokens) return score;
  for (const text::Span& word : claim.words) score.words.push_back({word, 0});
  for (std::size_t i = 0; i < merged.unsupported.size(); ++i) {
    float& word = score.words[claim.word_of[i]].unsupported;
    word = std::max(word, merged.unsupported[i]);
  }
  return score;
}

}  // namespace

struct CrossEncoder::State {
  State(CrossEncoderCard its_card, text::WordPiece its_tokenizer)
      : card(std::move(its_card)), tokenizer(std::move(its_tokenizer)) {}

  CrossEncoderCard card;
  std::string name;
  text::WordPiece tokenizer;
  std::unique_ptr<Network> network;
  ov_element_type_e ids_type = I32;
  ov_element_type_e mask_type = I32;
  ov_element_type_e types_type = I32;

  Result<void> CheckGraph(const std::string& card_path);
  Result<void> CheckInput(const std::string& card_path, std::string_view field,
                          const std::string& input, ov_element_type_e& type) const;
  Result<void> Probe(const std::string& card_path) const;
  [[nodiscard]] PairPieces Read(const TextPair& pair) const;
  Result<void> Infer(const RunRows& run, std::span<WindowScore* const> out) const;
  Result<void> TakeOutputs(const NetworkOutputs& outputs, const RunRows& run,
                           std::span<WindowScore* const> out) const;
};

Result<void> CrossEncoder::State::CheckInput(const std::string& card_path, std::string_view field,
                                             const std::string& input,
                                             ov_element_type_e& type) const {
  const Result<ov_element_type_e> found = network->InputType(input);
  if (!found) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: inputs.{}: {}", card_path, field, found.error().message));
  }
  type = *found;
  const bool known = type == I32 || type == I64 || (type == F32 && field != "ids");
  if (known) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("{}: inputs.{}: the graph's input '{}' has another type than i32, i64 or "
                          "(mask and types) f32",
                          card_path, field, input));
}

Result<void> CrossEncoder::State::CheckGraph(const std::string& card_path) {
  ASSAY_TRY(CheckInput(card_path, "ids", card.ids, ids_type));
  ASSAY_TRY(CheckInput(card_path, "mask", card.mask, mask_type));
  if (!card.types.empty()) ASSAY_TRY(CheckInput(card_path, "types", card.types, types_type));
  ASSAY_ASSIGN(const std::size_t count, network->InputCount());
  if (const std::size_t named = card.types.empty() ? 2 : 3; count != named) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: inputs: the graph has {} inputs, the card names {}", card_path,
                            count, named));
  }
  const auto output = [&](std::string_view field, const std::string& wanted) -> Result<void> {
    if (network->HasOutput(wanted)) return {};
    return Fail(Code::kInvalidArgument, fmt::format("{}: {}.output: the graph has no output '{}'",
                                                    card_path, field, wanted));
  };
  if (card.relation) ASSAY_TRY(output("relation", card.relation->output));
  if (card.tokens) ASSAY_TRY(output("tokens", card.tokens->output));
  if (card.pair) ASSAY_TRY(output("pair", card.pair->output));
  return Probe(card_path);
}

// Two shapes: a graph for a single one fails here and not with the first claim.
Result<void> CrossEncoder::State::Probe(const std::string& card_path) const {
  PairPieces pieces = Read({"a", "a"});
  for (const std::size_t rows : {2U, 1U}) {
    RunRows run;
    run.length = 12 - 2 * rows;
    run.rows.assign(rows,
                    Sequence{&pieces, {0, pieces.evidence.size()}, {0, pieces.claim.ids.size()}});
    std::vector<WindowScore> scores(rows);
    std::vector<WindowScore*> out;
    for (WindowScore& score : scores) out.push_back(&score);
    if (const Result<void> done = Infer(run, out); !done) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}: the graph does not run on {} rows of {} tokens: {}", card_path,
                              rows, run.length, done.error().message));
    }
  }
  return {};
}

PairPieces CrossEncoder::State::Read(const TextPair& pair) const {
  const std::size_t room = card.max_tokens - internal::kPairSpecialTokens;
  PairPieces pieces;
  tokenizer.AppendPieces(pair.evidence, text::WordPiece::kNoLimit, pieces.evidence);
  pieces.claim = internal::SplitClaim(tokenizer, pair.claim);
  pieces.parts = internal::CutParts(pieces.claim.ids.size(), room / 2);
  return pieces;
}

Result<void> CrossEncoder::State::Infer(const RunRows& run,
                                        std::span<WindowScore* const> out) const {
  const std::size_t length = run.length;
  std::vector<std::int32_t> ids(run.rows.size() * length, tokenizer.pad_id());
  std::vector<std::int32_t> mask(ids.size(), 0);
  std::vector<std::int32_t> types(ids.size(), 0);
  for (std::size_t r = 0; r < run.rows.size(); ++r) {
    const Sequence& row = run.rows[r];
    const auto evidence =
        std::span(row.pair->evidence).subspan(row.evidence.begin, row.evidence.size);
    const auto claim = std::span(row.pair->claim.ids).subspan(row.claim.begin, row.claim.size);
    const auto into = std::span(ids).subspan(r * length, length);
    into[0] = tokenizer.cls_id();
    std::ranges::copy(evidence, into.begin() + 1);
    into[evidence.size() + 1] = tokenizer.sep_id();
    std::ranges::copy(claim, into.subspan(row.claim_begin()).begin());
    into[row.length() - 1] = tokenizer.sep_id();
    std::ranges::fill(std::span(mask).subspan(r * length, row.length()), 1);
    std::ranges::fill(std::span(types).subspan(r * length + row.claim_begin(), claim.size() + 1),
                      1);
  }
  InputBuffer ids_input(card.ids, ids_type);
  InputBuffer mask_input(card.mask, mask_type);
  InputBuffer types_input(card.types, types_type);
  ids_input.Assign(ids);
  mask_input.Assign(mask);
  std::vector<NetworkInput> inputs = {ids_input.input(), mask_input.input()};
  if (!card.types.empty()) {
    types_input.Assign(types);
    inputs.push_back(types_input.input());
  }
  return network->Infer(run.rows.size(), length, inputs, [&](const NetworkOutputs& outputs) {
    return TakeOutputs(outputs, run, out);
  });
}

Result<void> CrossEncoder::State::TakeOutputs(const NetworkOutputs& outputs, const RunRows& run,
                                              std::span<WindowScore* const> out) const {
  // The values of `output`, `columns` for each row.
  const auto values = [&](const std::string& output,
                          std::size_t columns) -> Result<std::span<const float>> {
    ASSAY_ASSIGN(const std::span<const float> found, outputs.Values(output));
    if (found.size() != run.rows.size() * columns) {
      return Fail(Code::kInternal,
                  fmt::format("the output '{}' has {} values for {} rows, but {} a row are wanted",
                              output, found.size(), run.rows.size(), columns));
    }
    if (!std::ranges::all_of(found, [](float value) { return std::isfinite(value); })) {
      return Fail(Code::kInternal, fmt::format("the output '{}' holds what is no number", output));
    }
    return found;
  };
  if (card.relation) {
    const std::size_t columns = card.relation->classes.size();
    ASSAY_ASSIGN(const auto logits, values(card.relation->output, columns));
    for (std::size_t r = 0; r < out.size(); ++r) {
      internal::ReadRelation(logits.subspan(r * columns, columns), *card.relation, *out[r]);
    }
  }
  if (card.pair) {
    ASSAY_ASSIGN(const auto logits, values(card.pair->output, 1));
    for (std::size_t r = 0; r < out.size(); ++r) {
      out[r]->same = internal::Calibrated(logits[r], card.pair->temperature);
    }
  }
  if (card.tokens) {
    ASSAY_ASSIGN(const auto logits, values(card.tokens->output, run.length));
    for (std::size_t r = 0; r < out.size(); ++r) {
      const Sequence& row = run.rows[r];
      const auto claim = logits.subspan(r * run.length + row.claim_begin(), row.claim.size);
      for (const float logit : claim) {
        out[r]->unsupported.push_back(internal::Calibrated(logit, card.tokens->temperature));
      }
    }
  }
  return {};
}

namespace {

std::string Stem(std::string_view file) {
  return std::string(file.substr(0, file.rfind('.')));
}

// Of every file that a score depends on: the card, the vocabulary, and model.* (of the graph's own
// name, so that its weights are read too).
Result<std::string> NameOf(core::FileSystem& files, const std::string& folder,
                           const CrossEncoderCard& card) {
  ASSAY_ASSIGN(const std::vector<std::string> names, files.List(folder));
  const std::string stem = card.model.empty() ? "model." : Stem(card.model) + ".";
  core::Hasher hasher;
  for (const std::string& name : names) {
    if (name != kCardName && name != "vocab.txt" && !name.starts_with(stem)) continue;
    ASSAY_ASSIGN(const std::unique_ptr<core::MappedFile> file,
                 files.Map(fmt::format("{}/{}", folder, name)));
    hasher.Add(fmt::format("{} {}\n", name, file->bytes().size()));
    hasher.Add(file->bytes());
  }
  return fmt::format("{}@{}", card.name, core::ToHex(hasher.Digest128()).substr(0, 12));
}

Result<text::WordPiece> OpenVocabulary(core::FileSystem& files, const std::string& folder) {
  const std::string path = folder + "/vocab.txt";
  const Result<std::string> vocabulary = files.ReadFile(path, kMaxVocabularyBytes);
  if (!vocabulary && vocabulary.error().code == Code::kNotFound) {
    return Fail(Code::kNotFound,
                fmt::format("{} is missing; only models with the WordPiece vocabulary of BERT "
                            "uncased are read, no SentencePiece or BPE",
                            path));
  }
  ASSAY_TRY(vocabulary);
  Result<text::WordPiece> tokenizer = text::WordPiece::FromVocabulary(*vocabulary);
  if (!tokenizer) {
    return Fail(Code::kDataLoss, fmt::format("{}: {}", path, tokenizer.error().message));
  }
  return tokenizer;
}

// OpenVINO would try each of its formats on a file that is none of them. XML begins with a tag, an
// ONNX file with the key of one of ModelProto's fields 1 to 8 (onnx.proto).
Result<void> CheckFormat(core::FileSystem& files, const std::string& path, bool is_xml) {
  constexpr std::string_view kKeys = "\x08\x12\x1A\x22\x28\x32\x3A\x42";
  ASSAY_ASSIGN(const auto file, files.OpenRead(path));
  std::array<char, 1> first{};
  ASSAY_ASSIGN(const std::size_t count, file->ReadAt(0, first));
  if (count == 1 && (is_xml ? first[0] == '<' : kKeys.contains(first[0]))) return {};
  return Fail(Code::kInvalidArgument, fmt::format("{} is no {}; export the model again", path,
                                                  is_xml ? "graph of OpenVINO" : "ONNX model"));
}

// The graph's file, of those that may be there.
Result<std::string> FindGraph(core::FileSystem& files, const std::string& folder,
                              const CrossEncoderCard& card) {
  if (!card.model.empty()) {
    if (files.Stat(fmt::format("{}/{}", folder, card.model))) return card.model;
    return Fail(Code::kNotFound,
                fmt::format("{}/{} is missing, but {} names it", folder, card.model, kCardName));
  }
  for (const std::string_view name : {"model.xml", "model.onnx"}) {
    if (files.Stat(fmt::format("{}/{}", folder, name))) return std::string(name);
  }
  return Fail(Code::kNotFound,
              fmt::format("{}: neither model.xml with model.bin nor model.onnx is there", folder));
}

Result<std::unique_ptr<Network>> OpenNetwork(core::FileSystem& files, const std::string& folder,
                                             const CrossEncoderCard& card,
                                             const CrossEncoderOptions& options) {
  ASSAY_ASSIGN(const std::string name, FindGraph(files, folder, card));
  const std::string graph = fmt::format("{}/{}", folder, name);
  const bool is_xml = name.ends_with(".xml");
  ASSAY_TRY(CheckFormat(files, graph, is_xml));
  const std::string weights = is_xml ? fmt::format("{}/{}.bin", folder, Stem(name)) : "";
  if (is_xml && !files.Stat(weights)) {
    return Fail(Code::kNotFound,
                fmt::format("{} is missing; it holds the weights of {}", weights, name));
  }
  ASSAY_ASSIGN(const OpenVino* runtime, OpenVino::Load(files, options.runtime_folders));
  const Network::Options network{.threads = options.threads,
                                 .streams = std::max<std::size_t>(1, options.streams),
                                 .quantization_group = kQuantizationGroup};
  return Network::Compile(*runtime, graph, weights, network);
}

}  // namespace

Result<std::unique_ptr<CrossEncoder>> CrossEncoder::Open(core::FileSystem& files,
                                                         const std::string& folder,
                                                         const CrossEncoderOptions& options) {
  const std::string card_path = fmt::format("{}/{}", folder, kCardName);
  ASSAY_ASSIGN(const std::string yaml, files.ReadFile(card_path, kMaxCardBytes));
  ASSAY_ASSIGN(CrossEncoderCard card, ParseCard(yaml, card_path));
  ASSAY_ASSIGN(text::WordPiece tokenizer, OpenVocabulary(files, folder));
  auto state = std::make_unique<State>(std::move(card), std::move(tokenizer));
  ASSAY_ASSIGN(state->network, OpenNetwork(files, folder, state->card, options));
  ASSAY_TRY(state->CheckGraph(card_path));
  ASSAY_ASSIGN(state->name, NameOf(files, folder, state->card));
  return std::unique_ptr<CrossEncoder>(new CrossEncoder(std::move(state)));
}

Result<std::string> FindChecker(core::FileSystem& files, std::span<const std::string> folders) {
  std::string shipped;
  for (const std::string& folder : folders) {
    const Result<std::vector<std::string>> names = files.List(folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      const std::string path = fmt::format("{}/{}", folder, name);
      if (!name.starts_with(kShippedChecker) ||
          !files.Stat(fmt::format("{}/{}", path, kCardName))) {
        continue;
      }
      const Result<ModelFolder> listed = FindModel(files, std::span(&folder, 1), name);
      if (!listed && listed.error().code != Code::kNotFound) {
        return std::unexpected(listed.error());
      }
      if (name != kShippedChecker) return path;
      if (shipped.empty()) shipped = path;
    }
  }
  if (!shipped.empty()) return shipped;
  return Fail(Code::kNotFound, fmt::format("none of these folders holds a model named checker*: {}",
                                           internal::Listed(folders)));
}

CrossEncoder::CrossEncoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
CrossEncoder::~CrossEncoder() = default;

Result<void> CrossEncoder::Score(std::span<const TextPair> pairs, std::span<PairScore> out) const {
  if (pairs.size() != out.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} pairs into {} scores", pairs.size(), out.size()));
  }
  const std::size_t room = state_->card.max_tokens - internal::kPairSpecialTokens;
  std::vector<PairPieces> pieces;
  pieces.reserve(pairs.size());  // sequences point into it
  std::vector<Sequence> sequences;
  std::vector<std::uint32_t> lengths;
  for (const TextPair& pair : pairs) {
    PairPieces& read = pieces.emplace_back(state_->Read(pair));
    for (const Cut& part : read.parts) {
      read.first.push_back(sequences.size());
      for (const Cut& window : internal::CutWindows(read.evidence.size(), room - part.size)) {
        sequences.push_back({&read, window, part});
        lengths.push_back(static_cast<std::uint32_t>(sequences.back().length()));
      }
    }
    read.first.push_back(sequences.size());
  }
  std::vector<WindowScore> scores(sequences.size());
  const internal::Plan plan = internal::PlanRuns(lengths, state_->card.max_tokens);
  for (const internal::Run& planned : plan.runs) {
    RunRows run{.length = planned.length, .rows = {}};
    std::vector<WindowScore*> into;
    for (std::size_t i = planned.begin; i < planned.begin + planned.rows; ++i) {
      run.rows.push_back(sequences[plan.order[i]]);
      into.push_back(&scores[plan.order[i]]);
    }
    ASSAY_TRY(state_->Infer(run, into));
  }
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    out[p] = PairScore();
    if (pieces[p].parts.empty()) continue;
    std::vector<WindowScore> parts;
    for (std::size_t i = 0; i < pieces[p].parts.size(); ++i) {
      const std::size_t begin = pieces[p].first[i];
      parts.push_back(
          internal::MergeWindows(std::span(scores).subspan(begin, pieces[p].first[i + 1] - begin)));
    }
    out[p] = ToScore(state_->card, pieces[p].claim, internal::MergeParts(parts));
  }
  return {};
}

const CrossEncoderCard& CrossEncoder::card() const {
  return state_->card;
}

std::string_view CrossEncoder::name() const {
  return state_->name;
}

}  // namespace assay::embed
