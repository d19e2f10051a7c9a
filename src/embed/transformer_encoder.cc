#include "assay/embed/transformer_encoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "assay/text/wordpiece.h"

#include "batching.h"
#include "network/network.h"

namespace assay::embed {
namespace {

using internal::Network;
using internal::NetworkOutputs;
using internal::OpenVino;

constexpr std::uint64_t kMaxVocabularyBytes = 64 << 20;
constexpr std::size_t kSpecialTokens = 2;  // [CLS] and [SEP] around every text

// What one run reads: padded row by row.
struct RunInput {
  std::size_t rows = 0;
  std::size_t length = 0;
  std::vector<std::int32_t> ids;
  std::vector<float> mask;  // 1 for a token, 0 for padding
};

class TransformerEncoder : public Encoder {
 public:
  TransformerEncoder(std::string name, text::WordPiece tokenizer, std::unique_ptr<Network> network)
      : name_(std::move(name)), tokenizer_(std::move(tokenizer)), network_(std::move(network)) {}

  // Runs the network once: that finds its width and makes its buffers.
  Result<void> Probe() {
    RunInput input{1, 2, {tokenizer_.cls_id(), tokenizer_.sep_id()}, {1, 1}};
    return Infer(input, [this](std::span<const float> vectors) -> Result<void> {
      dim_ = vectors.size();
      return {};
    });
  }

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::size_t dim() const override { return dim_; }

  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    if (out.size() != texts.size() * dim_) {
      return Fail(Code::kInvalidArgument, fmt::format("{} texts of {} dimensions into {} floats",
                                                      texts.size(), dim_, out.size()));
    }
    std::ranges::fill(out, 0.0F);
    const Tokens tokens = Tokenize(texts);
    const internal::Plan plan = internal::PlanRuns(tokens.lengths);
    RunInput input;
    for (const internal::Run& run : plan.runs) {
      const auto members = std::span(plan.order).subspan(run.begin, run.rows);
      Fill(tokens, members, run.length, input);
      ASSAY_TRY(Infer(input, [&](std::span<const float> vectors) -> Result<void> {
        if (vectors.size() != run.rows * dim_) {
          return Fail(Code::kInternal, fmt::format("OpenVINO gave {} values for {} texts",
                                                   vectors.size(), run.rows));
        }
        for (std::size_t i = 0; i < run.rows; ++i) {
          std::ranges::copy(vectors.subspan(i * dim_, dim_), out.begin() + At(members[i] * dim_));
        }
        return {};
      }));
    }
    return {};
  }

 private:
  // Calls `read` with the vectors of the rows, [rows * dim], while they are valid.
  template <typename Read>
  Result<void> Infer(RunInput& input, const Read& read) const {
    const std::array inputs = {
        internal::NetworkInput{.name = {}, .index = 0, .type = I32, .data = input.ids.data()},
        internal::NetworkInput{.name = {}, .index = 1, .type = F32, .data = input.mask.data()}};
    return network_->Infer(input.rows, input.length, inputs,
                           [&read](const NetworkOutputs& outputs) -> Result<void> {
                             ASSAY_ASSIGN(const std::span<const float> vectors, outputs.Values());
                             return read(vectors);
                           });
  }

  struct Tokens {
    std::vector<std::int32_t> ids;
    std::vector<std::size_t> begins;     // of each text in ids
    std::vector<std::uint32_t> lengths;  // 0 for a text without a known word
  };

  static std::ptrdiff_t At(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

  [[nodiscard]] Tokens Tokenize(std::span<const std::string_view> texts) const {
    Tokens tokens;
    for (const std::string_view text : texts) {
      const std::size_t begin = tokens.ids.size();
      std::vector<std::int32_t>& ids = tokens.ids;
      tokenizer_.Encode(text, kTransformerWindowTokens, ids);
      const bool known = ids.size() > begin + kSpecialTokens &&
                         std::any_of(ids.begin() + At(begin + 1), ids.end() - 1,
                                     [this](std::int32_t id) { return id != tokenizer_.unk_id(); });
      tokens.begins.push_back(begin);
      tokens.lengths.push_back(known ? static_cast<std::uint32_t>(ids.size() - begin) : 0);
    }
    return tokens;
  }

  void Fill(const Tokens& tokens, std::span<const std::uint32_t> members, std::size_t length,
            RunInput& input) const {
    input.rows = members.size();
    input.length = length;
    input.ids.assign(members.size() * length, tokenizer_.pad_id());
    input.mask.assign(members.size() * length, 0.0F);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto from = tokens.ids.begin() + At(tokens.begins[members[i]]);
      std::copy_n(from, tokens.lengths[members[i]], input.ids.begin() + At(i * length));
      std::fill_n(input.mask.begin() + At(i * length), tokens.lengths[members[i]], 1.0F);
    }
  }

  std::string name_;
  text::WordPiece tokenizer_;
  std::unique_ptr<Network> network_;
  std::size_t dim_ = 0;
};

}  // namespace

Result<std::unique_ptr<Encoder>> OpenTransformerEncoder(core::FileSystem& files,
                                                        const ModelFolder& model,
                                                        const TransformerOptions& options) {
  const std::string path = model.path + "/vocab.txt";
  ASSAY_ASSIGN(const std::string vocabulary, files.ReadFile(path, kMaxVocabularyBytes));
  Result<text::WordPiece> tokenizer = text::WordPiece::FromVocabulary(vocabulary);
  if (!tokenizer) {
    return Fail(Code::kDataLoss, fmt::format("{}: {}", path, tokenizer.error().message));
  }
  ASSAY_ASSIGN(const OpenVino* runtime, OpenVino::Load(files, options.runtime_folders));
  ASSAY_ASSIGN(std::unique_ptr<Network> network,
               Network::Compile(*runtime, model.path + "/model.xml", model.path + "/model.bin",
                                {.threads = options.threads,
                                 .streams = std::max<std::size_t>(1, options.streams)}));
  auto encoder =
      std::make_unique<TransformerEncoder>(model.name, *std::move(tokenizer), std::move(network));
  ASSAY_TRY(encoder->Probe());
  return encoder;
}

}  // namespace assay::embed
