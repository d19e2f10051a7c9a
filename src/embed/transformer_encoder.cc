#include "assay/embed/transformer_encoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "assay/text/wordpiece.h"

#include "batching.h"
#include "openvino_runtime.h"

namespace assay::embed {
namespace {

using internal::OpenVino;
using internal::OpenVinoHandle;
using Request = OpenVinoHandle<ov_infer_request_t>;

constexpr std::uint64_t kMaxVocabularyBytes = 64 << 20;
constexpr std::size_t kSpecialTokens = 2;  // [CLS] and [SEP] around every text

// What one run reads: padded row by row.
struct RunInput {
  std::size_t rows = 0;
  std::size_t length = 0;
  std::vector<std::int32_t> ids;
  std::vector<float> mask;  // 1 for a token, 0 for padding
};

// The compiled network and as many infer requests as were ever used at once.
class Network {
 public:
  static Result<std::unique_ptr<Network>> Compile(const OpenVino& runtime,
                                                  const std::string& folder, std::size_t threads) {
    const std::string xml = folder + "/model.xml";
    const std::string bin = folder + "/model.bin";
    ov_model_t* model = nullptr;
    ASSAY_TRY(runtime.Check(
        runtime.ov_core_read_model(runtime.core(), xml.c_str(), bin.c_str(), &model), xml.c_str()));
    const OpenVinoHandle<ov_model_t> owned(model, runtime.ov_model_free);
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    const std::string thread_count = std::to_string(threads);
    // Float sums in float32 whatever the CPU offers; int8 weights meet activations that are
    // quantised in groups of 32 values of one token, so no result depends on another text.
    ov_compiled_model_t* compiled = nullptr;
    ASSAY_TRY(runtime.Check(
        runtime.ov_core_compile_model(
            runtime.core(), model, "CPU", 10, &compiled, "INFERENCE_PRECISION_HINT", "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE", "32", "NUM_STREAMS", "1", "INFERENCE_NUM_THREADS",
            thread_count.c_str(), "ENABLE_CPU_PINNING", "NO"),
        "compiling the model"));
    auto network = std::unique_ptr<Network>(new Network(runtime));
    network->compiled_ = {compiled, runtime.ov_compiled_model_free};
    return network;
  }

  // Calls `read` with the vectors of the rows, [rows * dim], while they are valid.
  template <typename Read>
  Result<void> Infer(RunInput& input, const Read& read) {
    ASSAY_ASSIGN(Request request, Take());
    const Result<void> result = InferWith(request.get(), input, read);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(request));
    return result;
  }

 private:
  explicit Network(const OpenVino& runtime) : runtime_(runtime) {}

  Result<Request> Take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Request request = std::move(idle_.back());
        idle_.pop_back();
        return request;
      }
    }
    ov_infer_request_t* request = nullptr;
    ASSAY_TRY(
        runtime_.Check(runtime_.ov_compiled_model_create_infer_request(compiled_.get(), &request),
                       "creating an infer request"));
    return Request(request, runtime_.ov_infer_request_free);
  }

  Result<void> SetInput(ov_infer_request_t* request, std::size_t index, ov_element_type_e type,
                        const RunInput& input, void* data) {
    std::array<std::int64_t, 2> dims = {static_cast<std::int64_t>(input.rows),
                                        static_cast<std::int64_t>(input.length)};
    const ov_shape_t shape = {2, dims.data()};
    ov_tensor_t* tensor = nullptr;
    ASSAY_TRY(runtime_.Check(runtime_.ov_tensor_create_from_host_ptr(type, shape, data, &tensor),
                             "making a tensor"));
    const OpenVinoHandle<ov_tensor_t> owned(tensor, runtime_.ov_tensor_free);
    return runtime_.Check(
        runtime_.ov_infer_request_set_input_tensor_by_index(request, index, tensor),
        "setting an input");
  }

  template <typename Read>
  Result<void> InferWith(ov_infer_request_t* request, RunInput& input, const Read& read) {
    ASSAY_TRY(SetInput(request, 0, I32, input, input.ids.data()));
    ASSAY_TRY(SetInput(request, 1, F32, input, input.mask.data()));
    ASSAY_TRY(runtime_.Check(runtime_.ov_infer_request_infer(request), "inference"));
    ov_tensor_t* tensor = nullptr;
    ASSAY_TRY(runtime_.Check(runtime_.ov_infer_request_get_output_tensor(request, &tensor),
                             "reading the output"));
    const OpenVinoHandle<ov_tensor_t> owned(tensor, runtime_.ov_tensor_free);
    std::size_t values = 0;
    void* data = nullptr;
    ASSAY_TRY(runtime_.Check(runtime_.ov_tensor_get_size(tensor, &values), "reading the output"));
    ASSAY_TRY(runtime_.Check(runtime_.ov_tensor_data(tensor, &data), "reading the output"));
    return read(std::span(static_cast<const float*>(data), values));
  }

  const OpenVino& runtime_;
  OpenVinoHandle<ov_compiled_model_t> compiled_;
  std::mutex mutex_;
  std::vector<Request> idle_;  // guarded by mutex_; declared last: freed before the model
};

class TransformerEncoder : public Encoder {
 public:
  TransformerEncoder(std::string name, text::WordPiece tokenizer, std::unique_ptr<Network> network)
      : name_(std::move(name)), tokenizer_(std::move(tokenizer)), network_(std::move(network)) {}

  // Runs the network once: that finds its width and makes its buffers.
  Result<void> Probe() {
    RunInput input{1, 2, {tokenizer_.cls_id(), tokenizer_.sep_id()}, {1, 1}};
    return network_->Infer(input, [this](std::span<const float> vectors) -> Result<void> {
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
      ASSAY_TRY(network_->Infer(input, [&](std::span<const float> vectors) -> Result<void> {
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
               Network::Compile(*runtime, model.path, options.threads));
  auto encoder =
      std::make_unique<TransformerEncoder>(model.name, *std::move(tokenizer), std::move(network));
  ASSAY_TRY(encoder->Probe());
  return encoder;
}

}  // namespace assay::embed
