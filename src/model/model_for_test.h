// Makes ONNX files in code, for the tests of this folder.
#ifndef PREFIQS_MODEL_MODEL_FOR_TEST_H_
#define PREFIQS_MODEL_MODEL_FOR_TEST_H_

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <prefiqs/error.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "model/onnx_reader.h"
#include "model/tensor_proto.h"

namespace prefiqs::model {

// A network that grows by calls; `proto` may be changed freely in between.
struct TestModel {
  explicit TestModel(std::int64_t opset) {
    proto.set_ir_version(8);
    proto.mutable_graph()->set_name("test");
    proto.add_opset_import()->set_version(opset);
  }

  // Negative dimensions are open.
  static void SetType(onnx::ValueInfoProto& info, const std::string& name, const std::vector<std::int64_t>& dims,
                      std::int32_t type = onnx::TensorProto::FLOAT) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (const std::int64_t dim : dims) {
      auto& proto_dim = *tensor.mutable_shape()->add_dim();
      if (dim >= 0) {
        proto_dim.set_dim_value(dim);
      } else {
        proto_dim.set_dim_param("open");
      }
    }
  }
  TestModel& Input(const std::string& name, const std::vector<std::int64_t>& dims,
                   std::int32_t type = onnx::TensorProto::FLOAT) {
    SetType(*proto.mutable_graph()->add_input(), name, dims, type);
    return *this;
  }
  // Without a type, which readers must cope with.
  TestModel& Output(const std::string& name) {
    proto.mutable_graph()->add_output()->set_name(name);
    return *this;
  }
  TestModel& Output(const std::string& name, const std::vector<std::int64_t>& dims,
                    std::int32_t type = onnx::TensorProto::FLOAT) {
    SetType(*proto.mutable_graph()->add_output(), name, dims, type);
    return *this;
  }
  onnx::NodeProto& Node(const std::string& op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs, const std::string& name = "n") {
    auto& node = *proto.mutable_graph()->add_node();
    node.set_op_type(op);
    node.set_name(name);
    for (const auto& input : inputs) node.add_input(input);
    for (const auto& output : outputs) node.add_output(output);
    return node;
  }
  onnx::TensorProto& Initializer(const std::string& name, const graph::Tensor& tensor) {
    return *proto.mutable_graph()->add_initializer() = ToProto(tensor, name);
  }
  TestModel& Floats(const std::string& name, const graph::Shape& shape, const std::vector<float>& values) {
    Initializer(name, graph::Tensor::From<float>(shape, values));
    return *this;
  }
  TestModel& Ints(const std::string& name, const std::vector<std::int64_t>& values) {
    Initializer(name, graph::Tensor::FromInt64s(values));
    return *this;
  }

  std::string Bytes() const { return proto.SerializeAsString(); }

  onnx::ModelProto proto;
};

inline onnx::AttributeProto& AddAttribute(onnx::NodeProto& node, const std::string& key,
                                          onnx::AttributeProto::AttributeType type) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(key);
  attribute.set_type(type);
  return attribute;
}
inline void Set(onnx::NodeProto& node, const std::string& key, std::int64_t value) {
  AddAttribute(node, key, onnx::AttributeProto::INT).set_i(value);
}
inline void Set(onnx::NodeProto& node, const std::string& key, float value) {
  AddAttribute(node, key, onnx::AttributeProto::FLOAT).set_f(value);
}
inline void Set(onnx::NodeProto& node, const std::string& key, const char* value) {
  AddAttribute(node, key, onnx::AttributeProto::STRING).set_s(value);
}
inline void Set(onnx::NodeProto& node, const std::string& key, const std::vector<std::int64_t>& values) {
  AddAttribute(node, key, onnx::AttributeProto::INTS).mutable_ints()->Add(values.begin(), values.end());
}
inline void Set(onnx::NodeProto& node, const std::string& key, const std::vector<float>& values) {
  AddAttribute(node, key, onnx::AttributeProto::FLOATS).mutable_floats()->Add(values.begin(), values.end());
}
inline void Set(onnx::NodeProto& node, const std::string& key, const graph::Tensor& tensor) {
  *AddAttribute(node, key, onnx::AttributeProto::TENSOR).mutable_t() = ToProto(tensor, "");
}

inline graph::Graph ReadBytes(std::string_view bytes, const ReadLimits& limits = {}) {
  return ReadOnnxBytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "test.onnx", limits).graph;
}
inline graph::Graph Read(const TestModel& model, const ReadLimits& limits = {}) {
  return ReadBytes(model.Bytes(), limits);
}

// The message of the Error(kModel) that reading must throw, which must be one line; "" and a failure where it throws
// none.
inline std::string ErrorOfBytes(std::string_view bytes, const ReadLimits& limits = {}) {
  try {
    ReadBytes(bytes, limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModel) << error.what();
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.rfind("test.onnx: ", 0), 0u) << message;
    return message;
  }
  ADD_FAILURE() << "read without an error";
  return "";
}
inline std::string ErrorOf(const TestModel& model, const ReadLimits& limits = {}) {
  return ErrorOfBytes(model.Bytes(), limits);
}

// The operators of the nodes, in order.
inline std::vector<std::string> OpsOf(const graph::Graph& graph) {
  std::vector<std::string> ops;
  for (const graph::Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_MODEL_FOR_TEST_H_
