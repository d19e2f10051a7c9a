// A compiled OpenVINO graph for the CPU with as many infer requests as were ever used at once.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "openvino_runtime.h"

namespace assay::embed::internal {

// One input tensor [rows, length] of a run; `data` is read during Infer and must outlive the next
// one that uses the same request, so it is only ever overwritten in place by that.
struct NetworkInput {
  std::string name;       // of the graph's input; empty: by `index`
  std::size_t index = 0;  // of the graph's inputs
  ov_element_type_e type = F32;
  void* data = nullptr;
};

// What a run gave. Valid while the caller's function runs.
class NetworkOutputs {
 public:
  NetworkOutputs(const OpenVino& runtime, ov_infer_request_t* request)
      : runtime_(runtime), request_(request) {}

  // The values of the only output, or of the named one. Errors: kInternal with OpenVINO's message,
  // or where they are not float32.
  [[nodiscard]] Result<std::span<const float>> Values(const std::string& name = {}) const;

 private:
  const OpenVino& runtime_;
  ov_infer_request_t* request_;
};

// Threads: Infer may be called by many threads at once.
class Network {
 public:
  struct Options {
    std::size_t threads = 0;  // of one inference; 0: one per core
    std::size_t streams = 1;  // inferences that run beside each other; each has buffers of its own
    // Values of one token that share a scale where activations meet int8 weights.
    std::size_t quantization_group = 32;
  };

  // `model` is a .xml with its `weights` (.bin), or an .onnx with none. Errors: kInternal with
  // OpenVINO's message.
  [[nodiscard]] static Result<std::unique_ptr<Network>> Compile(const OpenVino& runtime,
                                                                const std::string& model,
                                                                const std::string& weights,
                                                                const Options& options);

  // The element type of the named input. Errors: kNotFound where the graph has none of that name.
  [[nodiscard]] Result<ov_element_type_e> InputType(const std::string& name) const;
  [[nodiscard]] bool HasOutput(const std::string& name) const;
  [[nodiscard]] Result<std::size_t> InputCount() const;

  using Read = std::function<Result<void>(const NetworkOutputs&)>;
  // Runs the inputs of `rows` times `length` values and calls `read` with what they gave.
  [[nodiscard]] Result<void> Infer(std::size_t rows, std::size_t length,
                                   std::span<const NetworkInput> inputs, const Read& read);

 private:
  using Request = OpenVinoHandle<ov_infer_request_t>;

  explicit Network(const OpenVino& runtime) : runtime_(runtime) {}
  Result<Request> Take();
  Result<void> SetInput(ov_infer_request_t* request, std::size_t rows, std::size_t length,
                        const NetworkInput& input);
  Result<void> InferWith(ov_infer_request_t* request, std::size_t rows, std::size_t length,
                         std::span<const NetworkInput> inputs, const Read& read);

  const OpenVino& runtime_;
  OpenVinoHandle<ov_compiled_model_t> compiled_;
  std::mutex mutex_;
  std::vector<Request> idle_;  // guarded by mutex_; declared last: freed before the model
};

}  // namespace assay::embed::internal
