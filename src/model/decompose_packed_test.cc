#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "model/model_for_test.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using graph::Tensor;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::int64_t kRows = 3, kColumns = 40, kBlock = 16, kBlocks = 3;  // the last block is cut short

struct Numbers {
  std::vector<std::int32_t> weights = std::vector<std::int32_t>(kRows * kBlocks * kBlock);
  std::vector<std::int32_t> zeros = std::vector<std::int32_t>(kRows * kBlocks);
  std::vector<float> scales = std::vector<float>(kRows * kBlocks);
};

Numbers RandomNumbers(int bits) {
  std::mt19937 random(3);
  Numbers numbers;
  for (auto& weight : numbers.weights) weight = static_cast<std::int32_t>(random() % (1u << bits));
  for (auto& zero : numbers.zeros) zero = static_cast<std::int32_t>(random() % (1u << bits));
  for (auto& scale : numbers.scales) scale = static_cast<float>(1 + random() % 8) / 16;
  return numbers;
}

// Rows of `count` numbers each, a row in whole bytes.
void AddBytes(TestModel& model, const std::string& name, const std::vector<std::int32_t>& numbers, std::int64_t count,
              int bits, const std::vector<std::int64_t>& dims) {
  std::string bytes;
  for (std::size_t row = 0; row < numbers.size(); row += static_cast<std::size_t>(count)) {
    std::string packed(static_cast<std::size_t>((count * bits + 7) / 8), '\0');
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const std::size_t bit = i * static_cast<std::size_t>(bits);
      packed[bit / 8] = static_cast<char>(packed[bit / 8] | (numbers[row + i] << (bit % 8)));
    }
    bytes += packed;
  }
  auto& tensor = *model.proto.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::UINT8);
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(bytes);
}

TestModel Packed(const Numbers& numbers, int bits, const std::vector<std::string>& more = {}) {
  TestModel model(17);
  std::vector<float> identity(kColumns * kColumns);
  for (std::size_t i = 0; i < kColumns; ++i) identity[i * kColumns + i] = 1;
  model.Floats("x", {kColumns, kColumns}, identity);
  AddBytes(model, "b", numbers.weights, kBlock, bits, {kRows, kBlocks, kBlock * bits / 8});
  model.Floats("scales", {kRows * kBlocks}, numbers.scales);
  AddBytes(model, "zeros", numbers.zeros, kBlocks, bits, {kRows * ((kBlocks * bits + 7) / 8)});
  model.Floats("bias", {kRows}, {100, 200, 300});
  std::vector<float> zeros(numbers.zeros.begin(), numbers.zeros.end());
  model.Floats("float_zeros", {kRows, kBlocks}, zeros);
  std::vector<std::string> inputs{"x", "b", "scales"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  auto& node = model.Node("MatMulNBits", inputs, {"y"});
  node.set_domain("com.microsoft");
  Set(node, "K", kColumns);
  Set(node, "N", kRows);
  Set(node, "bits", std::int64_t{bits});
  Set(node, "block_size", kBlock);
  model.Output("y");
  return model;
}

// y is the matrix itself, as x is the identity.
void Check(const TestModel& model, const Numbers& numbers, const std::vector<std::int32_t>& zeros, float bias) {
  const graph::Graph graph = ops::FoldConstants(Read(model));
  const Tensor* y = graph.constant(graph.outputs[0]);
  ASSERT_NE(y, nullptr);
  ASSERT_EQ(y->shape(), (graph::Shape{kColumns, kRows}));
  for (std::int64_t row = 0; row < kRows; ++row) {
    for (std::int64_t column = 0; column < kColumns; ++column) {
      const auto block = static_cast<std::size_t>(row * kBlocks + column / kBlock);
      const auto place = static_cast<std::size_t>(row * kBlocks * kBlock + column);
      const float wanted = static_cast<float>(numbers.weights[place] - zeros[block]) * numbers.scales[block] +
                           bias * static_cast<float>(row + 1);
      EXPECT_EQ(y->values<float>()[static_cast<std::size_t>(column * kRows + row)], wanted) << row << " " << column;
    }
  }
}

TEST(MatMulNBits, IsAProductWithWhatThePackedNumbersStandFor) {
  for (const int bits : {2, 4, 8}) {
    SCOPED_TRACE(bits);
    const Numbers numbers = RandomNumbers(bits);
    const std::vector<std::int32_t> middle(numbers.zeros.size(), 1 << (bits - 1));
    Check(Packed(numbers, bits), numbers, middle, 0);
    Check(Packed(numbers, bits, {"zeros"}), numbers, numbers.zeros, 0);
    Check(Packed(numbers, bits, {"float_zeros"}), numbers, numbers.zeros, 0);
    Check(Packed(numbers, bits, {"", "", "bias"}), numbers, middle, 100);
    Check(Packed(numbers, bits, {"zeros", "", "bias"}), numbers, numbers.zeros, 100);
  }
}

TEST(MatMulNBits, RefusesWhatDoesNotFit) {
  const Numbers numbers = RandomNumbers(4);
  const auto with = [&](const char* key, std::int64_t value) {
    TestModel model = Packed(numbers, 4);
    for (auto& attribute : *model.proto.mutable_graph()->mutable_node(0)->mutable_attribute()) {
      if (attribute.name() == key) attribute.set_i(value);
    }
    return ErrorOf(model);
  };
  EXPECT_THAT(with("bits", 3), AllOf(HasSubstr("3 bits"), HasSubstr("DequantizeLinear")));
  EXPECT_THAT(with("block_size", 0), HasSubstr("block_size 0"));
  EXPECT_THAT(with("K", -1), HasSubstr("K -1"));
  EXPECT_THAT(with("K", std::int64_t{1} << 40), HasSubstr("damaged"));
  EXPECT_THAT(with("K", 4000), HasSubstr("its weights have the shape 3x3x8"));
  EXPECT_THAT(ErrorOf(Packed(numbers, 4, {"", "bias"})), HasSubstr("g_idx"));
  EXPECT_THAT(ErrorOf(Packed(numbers, 4, {"bias"})), HasSubstr("its zero points have the shape 3"));
  EXPECT_THAT(ErrorOf(Packed(numbers, 4), {.max_constant_bytes = 7000}), HasSubstr("larger than the limit"));
}

}  // namespace
}  // namespace prefiqs::model
