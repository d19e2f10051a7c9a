// OpenVINO's C interface, opened on first use (docs/decisions/0003-openvino-by-dlopen.md).
#pragma once
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <openvino/c/openvino.h>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::embed::internal {

// Every function that Assay calls, under its own name.
#define ASSAY_OPENVINO_FUNCTIONS(X)             \
  X(ov_core_create)                             \
  X(ov_core_free)                               \
  X(ov_core_read_model)                         \
  X(ov_core_compile_model)                      \
  X(ov_model_free)                              \
  X(ov_compiled_model_free)                     \
  X(ov_compiled_model_create_infer_request)     \
  X(ov_compiled_model_inputs_size)              \
  X(ov_compiled_model_input_by_name)            \
  X(ov_compiled_model_output_by_name)           \
  X(ov_output_const_port_free)                  \
  X(ov_port_get_element_type)                   \
  X(ov_infer_request_free)                      \
  X(ov_infer_request_set_input_tensor_by_index) \
  X(ov_infer_request_get_output_tensor)         \
  X(ov_infer_request_set_tensor)                \
  X(ov_infer_request_get_tensor)                \
  X(ov_infer_request_infer)                     \
  X(ov_tensor_create_from_host_ptr)             \
  X(ov_tensor_get_element_type)                 \
  X(ov_tensor_get_size)                         \
  X(ov_tensor_data)                             \
  X(ov_tensor_free)                             \
  X(ov_get_last_err_msg)

class OpenVino {
 public:
  // Loads the library on the first call that finds it; every later call returns the same object,
  // which is never unloaded. Errors: kNotFound (lists the folders), kFailedPrecondition (found, but
  // it cannot be loaded).
  [[nodiscard]] static Result<const OpenVino*> Load(core::FileSystem& files,
                                                    std::span<const std::string> folders);

  // ok, or kInternal with OpenVINO's own message.
  [[nodiscard]] Result<void> Check(ov_status_e status, const char* what) const;

  [[nodiscard]] ov_core_t* core() const { return core_; }

// NOLINTNEXTLINE(bugprone-macro-parentheses): a declared name cannot stand in parentheses
#define ASSAY_OPENVINO_POINTER(name) decltype(&::name) name = nullptr;
  ASSAY_OPENVINO_FUNCTIONS(ASSAY_OPENVINO_POINTER)
#undef ASSAY_OPENVINO_POINTER

 private:
  [[nodiscard]] Result<void> Bind(const std::string& library);

  ov_core_t* core_ = nullptr;
};

// Owns one of OpenVINO's objects.
template <typename T>
class OpenVinoHandle {
 public:
  OpenVinoHandle() = default;
  OpenVinoHandle(T* object, void (*release)(T*)) : object_(object, release) {}
  [[nodiscard]] T* get() const { return object_.get(); }

 private:
  std::unique_ptr<T, void (*)(T*)> object_{nullptr, [](T*) {}};
};

// libopenvino_c.so.* in the first of the folders that has one, the folders beside this program
// included. Errors: kNotFound.
[[nodiscard]] Result<std::string> FindOpenVino(core::FileSystem& files,
                                               std::span<const std::string> folders);

}  // namespace assay::embed::internal
