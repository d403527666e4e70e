#include "model/dequantise.h"

#include <gmock/gmock.h>

#include <vector>

#include "model/model_for_test.h"

namespace prefiqs::model {
namespace {

using graph::Tensor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor Whole(graph::Shape shape, const std::vector<std::int32_t>& values) {
  return Tensor::From<std::int32_t>(std::move(shape), values);
}
Tensor Float(graph::Shape shape, const std::vector<float>& values) {
  return Tensor::From<float>(std::move(shape), values);
}
std::vector<float> ValuesOf(const Tensor& tensor) {
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}
std::string Refusal(const Tensor& x, const Tensor& scale, const Tensor* zero, std::int64_t axis, std::int64_t block) {
  try {
    Dequantised(x, scale, zero, axis, block);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModel);
    return error.what();
  }
  return "";
}

TEST(Dequantise, OneScale) {
  const Tensor x = Whole({2, 2}, {-128, 0, 3, 127}), zero = Whole({}, {3});
  EXPECT_THAT(ValuesOf(Dequantised(x, Float({}, {0.5f}), nullptr, 1, 0)), ElementsAre(-64, 0, 1.5f, 63.5f));
  EXPECT_THAT(ValuesOf(Dequantised(x, Float({}, {0.5f}), &zero, 1, 0)), ElementsAre(-65.5f, -1.5f, 0, 62));
  // An axis says nothing where there is one scale.
  EXPECT_THAT(ValuesOf(Dequantised(Whole({}, {4}), Float({1}, {0.5f}), nullptr, 1, 0)), ElementsAre(2));
}

TEST(Dequantise, OneScaleAPlaceOfTheAxis) {
  const Tensor x = Whole({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor zero = Whole({3}, {0, 1, 2});
  EXPECT_THAT(ValuesOf(Dequantised(x, Float({3}, {1, 10, 100}), &zero, 1, 0)), ElementsAre(1, 10, 100, 4, 40, 400));
  EXPECT_THAT(ValuesOf(Dequantised(x, Float({2}, {1, 10}), nullptr, -2, 0)), ElementsAre(1, 2, 3, 40, 50, 60));
}

TEST(Dequantise, OneScaleABlock) {
  // Blocks of two along an axis of three: the last is cut short.
  const Tensor x = Whole({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor zero = Whole({2, 2}, {0, 0, 1, 1});
  EXPECT_THAT(ValuesOf(Dequantised(x, Float({2, 2}, {1, 10, 100, 1000}), &zero, 0, 2)),
              ElementsAre(1, 20, 3, 40, 400, 5000));
  EXPECT_THAT(
      ValuesOf(Dequantised(Whole({2, 3}, {1, 2, 3, 4, 5, 6}), Float({2, 2}, {1, 10, 100, 1000}), nullptr, 1, 2)),
      ElementsAre(1, 2, 30, 400, 500, 6000));
}

TEST(Dequantise, RefusesWhatDoesNotAgree) {
  const Tensor x = Whole({2, 3}, {1, 2, 3, 4, 5, 6}), zeros = Whole({2}, {0, 0});
  EXPECT_THAT(Refusal(x, Float({2}, {1, 1}), nullptr, 1, 0), AllOf(HasSubstr("the shape 2"), HasSubstr("3 is needed")));
  EXPECT_THAT(Refusal(x, Float({3}, {1, 1, 1}), nullptr, 2, 0), HasSubstr("axis 2"));
  EXPECT_THAT(Refusal(x, Float({3}, {1, 1, 1}), nullptr, -3, 0), HasSubstr("axis -3"));
  EXPECT_THAT(Refusal(x, Float({3}, {1, 1, 1}), &zeros, 1, 0), HasSubstr("zero point"));
  EXPECT_THAT(Refusal(x, Float({2, 2}, {1, 1, 1, 1}), nullptr, 1, -2), HasSubstr("block_size is -2"));
  EXPECT_THAT(Refusal(x, Float({2, 3}, {1, 1, 1, 1, 1, 1}), nullptr, 1, 2), HasSubstr("2x2 is needed"));
  EXPECT_THAT(Refusal(Float({2}, {1, 1}), Float({}, {1}), nullptr, 0, 0), HasSubstr("float"));
  EXPECT_THAT(Refusal(x, Whole({}, {1}), nullptr, 0, 0), HasSubstr("scale"));
  // No elements, and an axis that is far longer than its blocks.
  EXPECT_TRUE(ValuesOf(Dequantised(Whole({0, 3}, {}), Float({3}, {1, 1, 1}), nullptr, 1, 0)).empty());
}

// A network whose weights are stored in `type`, as raw bytes or in fields.
TestModel Weights(std::int32_t type, const std::string& raw, const std::vector<std::int32_t>& fields = {}) {
  TestModel model(21);
  model.Input("x", {1, 3}).Floats("scale", {}, {0.5f}).Output("y");
  onnx::TensorProto& w = *model.proto.mutable_graph()->add_initializer();
  w.set_name("q");
  w.set_data_type(type);
  w.add_dims(3);
  w.add_dims(1);
  if (fields.empty()) w.set_raw_data(raw);
  for (const std::int32_t field : fields) w.add_int32_data(field);
  model.Node("DequantizeLinear", {"q", "scale"}, {"w"}, "weights");
  model.Node("MatMul", {"x", "w"}, {"y"}, "product");
  return model;
}
std::vector<float> WeightsRead(const TestModel& model) {
  const graph::Graph graph = Read(model);
  EXPECT_EQ(graph.nodes.size(), 1u);
  return ValuesOf(*graph.constant(graph.nodes.at(0).inputs.at(1)));
}

TEST(DequantiseLinear, WeightsBecomeConstants) {
  EXPECT_THAT(WeightsRead(Weights(onnx::TensorProto::INT8, "\xff\x02\x80")), ElementsAre(-0.5f, 1, -64));
  EXPECT_THAT(WeightsRead(Weights(onnx::TensorProto::UINT8, "\xff\x02\x80")), ElementsAre(127.5f, 1, 64));
  // Four bits: UINT4 and INT4, the first element in the lower half, the last half a byte unused.
  EXPECT_THAT(WeightsRead(Weights(21, "\xf1\x08")), ElementsAre(0.5f, 7.5f, 4));
  EXPECT_THAT(WeightsRead(Weights(22, "\xf1\x08")), ElementsAre(0.5f, -0.5f, -4));
  EXPECT_THAT(WeightsRead(Weights(22, "", {0xf1, 0x08})), ElementsAre(0.5f, -0.5f, -4));
  EXPECT_THAT(WeightsRead(Weights(22, "", {-15, 0x08})), ElementsAre(0.5f, -0.5f, -4));
}

TEST(DequantiseLinear, WrongFourBitData) {
  EXPECT_THAT(ErrorOf(Weights(22, "\xf1")), AllOf(HasSubstr("initialiser 'q'"), HasSubstr("wants 2 bytes")));
  EXPECT_THAT(ErrorOf(Weights(22, "", {0xf1})), HasSubstr("wants 2 elements"));
  EXPECT_THAT(ErrorOf(Weights(22, "", {0xf1, 256})), HasSubstr("256 is no byte"));
  EXPECT_THAT(ErrorOf(Weights(21, "", {0xf1, -129})), HasSubstr("-129 is no byte"));
}

TEST(DequantiseLinear, OfAnActivationIsRefused) {
  TestModel model(17);
  model.Input("x", {1, 3}, onnx::TensorProto::INT8).Floats("scale", {}, {0.5f}).Output("y");
  model.Node("DequantizeLinear", {"x", "scale"}, {"y"}, "entry");
  EXPECT_THAT(ErrorOf(model), AllOf(HasSubstr("node 'entry'"), HasSubstr("activations are quantised"),
                                    HasSubstr("quantise its weights alone")));
}

TEST(DequantiseLinear, CountsForTheLimitOfConstants) {
  TestModel model = Weights(onnx::TensorProto::INT8, "\xff\x02\x80");
  EXPECT_NO_THROW(Read(model, {.max_constant_bytes = 28}));
  EXPECT_THAT(ErrorOf(model, {.max_constant_bytes = 27}), HasSubstr("larger than the limit"));
}

}  // namespace
}  // namespace prefiqs::model
