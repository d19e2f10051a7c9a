#include "network/network.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace assay::embed::internal {

Result<std::span<const float>> NetworkOutputs::Values(const std::string& name) const {
  ov_tensor_t* tensor = nullptr;
  ASSAY_TRY(runtime_.Check(
      name.empty() ? runtime_.ov_infer_request_get_output_tensor(request_, &tensor)
                   : runtime_.ov_infer_request_get_tensor(request_, name.c_str(), &tensor),
      "reading the output"));
  // The request keeps the memory; this is a handle of it.
  const OpenVinoHandle<ov_tensor_t> owned(tensor, runtime_.ov_tensor_free);
  ov_element_type_e type = DYNAMIC;
  ASSAY_TRY(
      runtime_.Check(runtime_.ov_tensor_get_element_type(tensor, &type), "reading the output"));
  if (type != F32) {
    return Fail(
        Code::kInternal,
        fmt::format("the output '{}' is not float32; export the graph with float32 outputs", name));
  }
  std::size_t values = 0;
  void* data = nullptr;
  ASSAY_TRY(runtime_.Check(runtime_.ov_tensor_get_size(tensor, &values), "reading the output"));
  ASSAY_TRY(runtime_.Check(runtime_.ov_tensor_data(tensor, &data), "reading the output"));
  return std::span(static_cast<const float*>(data), values);
}

Result<std::unique_ptr<Network>> Network::Compile(const OpenVino& runtime, const std::string& model,
                                                  const std::string& weights,
                                                  const Options& options) {
  ov_model_t* graph = nullptr;
  ASSAY_TRY(
      runtime.Check(runtime.ov_core_read_model(runtime.core(), model.c_str(),
                                               weights.empty() ? nullptr : weights.c_str(), &graph),
                    model.c_str()));
  const OpenVinoHandle<ov_model_t> owned(graph, runtime.ov_model_free);
  const std::size_t threads =
      options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  const std::string thread_count = std::to_string(threads * options.streams);
  const std::string stream_count = std::to_string(options.streams);
  const std::string group = std::to_string(options.quantization_group);
  // Float sums in float32 whatever the CPU offers; int8 weights meet activations that are
  // quantised in groups of one token's values, so no result depends on another text.
  ov_compiled_model_t* compiled = nullptr;
  ASSAY_TRY(runtime.Check(
      runtime.ov_core_compile_model(
          runtime.core(), graph, "CPU", 10, &compiled, "INFERENCE_PRECISION_HINT", "f32",
          "DYNAMIC_QUANTIZATION_GROUP_SIZE", group.c_str(), "NUM_STREAMS", stream_count.c_str(),
          "INFERENCE_NUM_THREADS", thread_count.c_str(), "ENABLE_CPU_PINNING", "NO"),
      "compiling the model"));
  auto network = std::unique_ptr<Network>(new Network(runtime));
  network->compiled_ = {compiled, runtime.ov_compiled_model_free};
  return network;
}

Result<ov_element_type_e> Network::InputType(const std::string& name) const {
  ov_output_const_port_t* port = nullptr;
  if (runtime_.ov_compiled_model_input_by_name(compiled_.get(), name.c_str(), &port) !=
      ov_status_e::OK) {
    return Fail(Code::kNotFound, fmt::format("the graph has no input '{}'", name));
  }
  const OpenVinoHandle<ov_output_const_port_t> owned(port, runtime_.ov_output_const_port_free);
  ov_element_type_e type = DYNAMIC;
  ASSAY_TRY(runtime_.Check(runtime_.ov_port_get_element_type(port, &type), name.c_str()));
  return type;
}

bool Network::HasOutput(const std::string& name) const {
  ov_output_const_port_t* port = nullptr;
  if (runtime_.ov_compiled_model_output_by_name(compiled_.get(), name.c_str(), &port) !=
      ov_status_e::OK) {
    return false;
  }
  runtime_.ov_output_const_port_free(port);
  return true;
}

Result<std::size_t> Network::InputCount() const {
  std::size_t count = 0;
  ASSAY_TRY(runtime_.Check(runtime_.ov_compiled_model_inputs_size(compiled_.get(), &count),
                           "counting the graph's inputs"));
  return count;
}

Result<void> Network::Infer(std::size_t rows, std::size_t length,
                            std::span<const NetworkInput> inputs, const Read& read) {
  ASSAY_ASSIGN(Request request, Take());
  const Result<void> result = InferWith(request.get(), rows, length, inputs, read);
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(request));
  return result;
}

Result<Network::Request> Network::Take() {
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

Result<void> Network::SetInput(ov_infer_request_t* request, std::size_t rows, std::size_t length,
                               const NetworkInput& input) {
  std::array<std::int64_t, 2> dims = {static_cast<std::int64_t>(rows),
                                      static_cast<std::int64_t>(length)};
  const ov_shape_t shape = {2, dims.data()};
  ov_tensor_t* tensor = nullptr;
  ASSAY_TRY(runtime_.Check(
      runtime_.ov_tensor_create_from_host_ptr(input.type, shape, input.data, &tensor),
      "making a tensor"));
  const OpenVinoHandle<ov_tensor_t> owned(tensor, runtime_.ov_tensor_free);
  return runtime_.Check(
      input.name.empty()
          ? runtime_.ov_infer_request_set_input_tensor_by_index(request, input.index, tensor)
          : runtime_.ov_infer_request_set_tensor(request, input.name.c_str(), tensor),
      "setting an input");
}

Result<void> Network::InferWith(ov_infer_request_t* request, std::size_t rows, std::size_t length,
                                std::span<const NetworkInput> inputs, const Read& read) {
  for (const NetworkInput& input : inputs) {
    ASSAY_TRY(SetInput(request, rows, length, input));
  }
  ASSAY_TRY(runtime_.Check(runtime_.ov_infer_request_infer(request), "inference"));
  return read(NetworkOutputs(runtime_, request));
}

}  // namespace assay::embed::internal
