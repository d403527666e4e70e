#include <gmock/gmock.h>

#include <limits>
#include <span>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Shape;
using graph::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

Tensor Counting(Shape shape) {
  Tensor tensor(DataType::kInt64, std::move(shape));
  for (std::int64_t i = 0; i < tensor.count(); ++i) tensor.values<std::int64_t>()[static_cast<std::size_t>(i)] = i;
  return tensor;
}

TestNode WithAxis(const char* op, std::int64_t axis, std::size_t outputs = 1) {
  return {op, {{"axis", axis}}, outputs};
}

TEST(Movement, Transpose) {
  const auto permuted = [](Shape shape, Int64s perm) {
    return Run1({"Transpose", {{"perm", perm}}}, {Counting(shape)});
  };
  EXPECT_TRUE(Identical(Run1({"Transpose"}, {Counting({2, 3})}), I({3, 2}, {0, 3, 1, 4, 2, 5})));
  EXPECT_TRUE(Identical(permuted({2, 3}, {0, 1}), Counting({2, 3})));
  EXPECT_TRUE(Identical(permuted({2, 2, 2}, {1, 2, 0}), I({2, 2, 2}, {0, 4, 1, 5, 2, 6, 3, 7})));
  EXPECT_TRUE(Identical(Run1({"Transpose"}, {Counting({})}), Counting({})));
  EXPECT_EQ(permuted({2, 0, 3}, {2, 0, 1}).shape(), (Shape{3, 2, 0}));
  EXPECT_TRUE(Identical(Run1({"Transpose"}, {B({2, 2}, {1, 0, 1, 1})}), B({2, 2}, {1, 1, 0, 1})));
  for (const Int64s& perm : {Int64s{0}, Int64s{0, 0}, Int64s{0, 2}, Int64s{-1, 0}, Int64s{0, 1, 2}, Int64s{}}) {
    EXPECT_THAT(ErrorOf({"Transpose", {{"perm", perm}}}, {Counting({2, 3})}), HasSubstr("no permutation"));
  }
}

TEST(Movement, Concat) {
  const Tensor a = I({1, 2}, {1, 2});
  const Tensor b = I({2, 2}, {3, 4, 5, 6});
  EXPECT_TRUE(Identical(Run1(WithAxis("Concat", 0), {a, b}), I({3, 2}, {1, 2, 3, 4, 5, 6})));
  EXPECT_TRUE(
      Identical(Run1(WithAxis("Concat", -1), {b, I({2, 1}, {7, 8}), I({2, 0}, {})}), I({2, 3}, {3, 4, 7, 5, 6, 8})));
  EXPECT_TRUE(Identical(Run1(WithAxis("Concat", 0), {B({1}, {1}), B({1}, {0})}), B({2}, {1, 0})));
  EXPECT_TRUE(Identical(Run1(WithAxis("Concat", 1), {I({0, 2}, {}), I({0, 3}, {})}), I({0, 5}, {})));
  EXPECT_THAT(ErrorOf(WithAxis("Concat", 1), {a, b}), HasSubstr("input 1 is int64 2x2, which does not continue"));
  EXPECT_THAT(ErrorOf(WithAxis("Concat", 0), {a, F({1, 2}, {1, 2})}), HasSubstr("float32"));
  EXPECT_THAT(ErrorOf(WithAxis("Concat", 0), {a, I({2}, {1, 2})}), HasSubstr("does not continue"));
  EXPECT_THAT(ErrorOf(WithAxis("Concat", 2), {a}), HasSubstr("axis 2 is out of range"));
  EXPECT_THAT(ErrorOf(WithAxis("Concat", 0), {I({}, {1}), I({}, {1})}), HasSubstr("out of range"));
  EXPECT_THAT(ErrorOf({"Concat"}, {a}), HasSubstr("axis is missing"));
  EXPECT_THAT(ErrorOf(WithAxis("Concat", 0), {a, std::nullopt}), HasSubstr("is missing"));
  const TensorType huge{DataType::kFloat32, {std::int64_t{1} << 40}};
  EXPECT_THAT(ModelError([&] { Infer(WithAxis("Concat", 0), {huge, huge}); }), HasSubstr("out of range"));
}

std::vector<Shape> ShapesOf(const std::vector<Tensor>& tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

TEST(Movement, Split) {
  const auto parts = RunNode(WithAxis("Split", 1, 2), {Counting({2, 4}), List({1, 3})});
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_TRUE(Identical(parts[0], I({2, 1}, {0, 4})));
  EXPECT_TRUE(Identical(parts[1], I({2, 3}, {1, 2, 3, 5, 6, 7})));
  TestNode uneven = WithAxis("Split", -1, 3);
  uneven.attributes["num_outputs"] = std::int64_t{3};
  EXPECT_THAT(ShapesOf(RunNode(uneven, {Counting({1, 7})})), ElementsAre(Shape{1, 3}, Shape{1, 3}, Shape{1, 1}));
  EXPECT_THAT(ShapesOf(RunNode(uneven, {Counting({1, 4})})), ElementsAre(Shape{1, 2}, Shape{1, 2}, Shape{1, 0}));
  EXPECT_THAT(ErrorOf(uneven, {Counting({1, 1})}), HasSubstr("1 is too small for 3 parts"));
  EXPECT_THAT(ShapesOf(RunNode({"Split", {}, 2}, {Counting({4, 1})})), ElementsAre(Shape{2, 1}, Shape{2, 1}));
  EXPECT_THAT(ShapesOf(RunNode({"Split", {}, 2}, {Counting({3}), List({0, 3})})), ElementsAre(Shape{0}, Shape{3}));
}

TEST(Movement, SplitRefuses) {
  const auto error = [](const Int64s& sizes) { return ErrorOf({"Split", {}, 2}, {Counting({4}), List(sizes)}); };
  EXPECT_THAT(error({1, 2}), HasSubstr("do not fit"));
  EXPECT_THAT(error({4}), HasSubstr("1 part of 4 together does not fit"));
  EXPECT_THAT(error({-1, 5}), HasSubstr("negative size"));
  EXPECT_THAT(error({kHighest, kHighest}), HasSubstr("out of range"));
  EXPECT_THAT(error({1, 1, 2}), HasSubstr("3 entries"));
  EXPECT_THAT(ErrorOf({"Split", {}, 3}, {Counting({4})}), HasSubstr("4 cannot be split into 3 equal parts"));
  EXPECT_THAT(ErrorOf({"Split", {{"num_outputs", std::int64_t{3}}}, 2}, {Counting({4})}), HasSubstr("num_outputs"));
  EXPECT_THAT(ErrorOf({"Split", {{"num_outputs", std::int64_t{2}}}, 2}, {Counting({4}), List({2, 2})}),
              HasSubstr("both"));
  EXPECT_THAT(ErrorOf({"Split", {}, 1}, {Counting({})}), HasSubstr("out of range"));
}

TEST(Movement, SliceOfOneDimension) {
  struct Case {
    std::int64_t start, end, step;
    Int64s expected;
  };
  // Of 0 1 2 3 4.
  const Case cases[] = {
      {1, 3, 1, {1, 2}},
      {0, 5, 2, {0, 2, 4}},
      {-2, kHighest, 1, {3, 4}},
      {-100, -3, 1, {0, 1}},
      {kLowest, kHighest, 1, {0, 1, 2, 3, 4}},
      {3, 1, 1, {}},
      {5, 9, 1, {}},
      {4, 0, -1, {4, 3, 2, 1}},
      {-1, kLowest, -1, {4, 3, 2, 1, 0}},
      {kHighest, -100, -2, {4, 2, 0}},
      {1, kLowest, -3, {1}},
      {0, 4, -1, {}},
      {1, kHighest, kHighest, {1}},
      {3, kLowest, kLowest, {3}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::PrintToString(std::vector{c.start, c.end, c.step}));
    const Tensor y = Run1({"Slice"}, {Counting({5}), List({c.start}), List({c.end}), List({0}), List({c.step})});
    EXPECT_TRUE(Identical(y, List(c.expected))) << ::testing::PrintToString(Values<std::int64_t>(y));
  }
}

TEST(Movement, SliceOfSeveral) {
  EXPECT_TRUE(Identical(Run1({"Slice"}, {Counting({3, 4}), List({1, 1}), List({3, 3})}), I({2, 2}, {5, 6, 9, 10})));
  EXPECT_TRUE(
      Identical(Run1({"Slice"}, {Counting({3, 4}), List({3, -1}), List({-100, 0}), List({-1, 0}), List({-2, -1})}),
                I({2, 2}, {11, 9, 7, 5})));
  EXPECT_TRUE(Identical(Run1({"Slice"}, {B({2}, {1, 0}), I32({1}, {1}), I32({1}, {2})}), B({1}, {0})));
  EXPECT_EQ(Run1({"Slice"}, {Counting({0}), List({0}), List({5}), List({0}), List({-1})}).shape(), Shape{0});
  EXPECT_TRUE(Identical(Run1({"Slice"}, {Counting({}), List({}), List({})}), Counting({})));
}

TEST(Movement, SliceRefuses) {
  const OptionalTensor x = Counting({3, 4});
  EXPECT_THAT(ErrorOf({"Slice"}, {x, List({0}), List({1}), List({0}), List({0})}), HasSubstr("a step is 0"));
  EXPECT_THAT(ErrorOf({"Slice"}, {x, List({0}), List({1, 2})}), HasSubstr("not equally many"));
  EXPECT_THAT(ErrorOf({"Slice"}, {x, List({0, 0}), List({1, 2}), List({0, -2})}), HasSubstr("named twice"));
  EXPECT_THAT(ErrorOf({"Slice"}, {x, List({0}), List({1}), List({2})}), HasSubstr("axis 2 is out of range"));
  EXPECT_THAT(ErrorOf({"Slice"}, {x, List({0, 0, 0}), List({1, 1, 1})}), HasSubstr("3 entries"));
  const TensorType list{DataType::kInt64, {1}};
  EXPECT_THAT(ModelError([&] {
                Infer({"Slice"}, {{DataType::kFloat32, {4}}, list, list});
              }),
              HasSubstr("input 1 (the starts) depends on the picture"));
}

TEST(Movement, Tile) {
  const Tensor x = I({2, 2}, {1, 2, 3, 4});
  const Tensor y = Run1({"Tile"}, {x, List({2, 3})});
  EXPECT_EQ(y.shape(), (graph::Shape{4, 6}));
  EXPECT_THAT(Values<std::int64_t>(y),
              testing::ElementsAre(1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4));
  EXPECT_EQ(Run1({"Tile"}, {x, List({1, 0})}).count(), 0);
  EXPECT_THAT(ErrorOf({"Tile"}, {x, List({2})}), HasSubstr("1 repeat for 2 dimensions"));
  EXPECT_THAT(ErrorOf({"Tile"}, {x, List({2, -1})}), HasSubstr("repeated -1 times"));
  EXPECT_THAT(ErrorOf({"Tile"}, {x, List({1, std::int64_t{1} << 60})}), HasSubstr("node 'n' (Tile)"));
}

TEST(Movement, Gather) {
  EXPECT_TRUE(Identical(Run1({"Gather"}, {Counting({3, 2}), List({2, 0, -1})}), I({3, 2}, {4, 5, 0, 1, 4, 5})));
  EXPECT_TRUE(
      Identical(Run1(WithAxis("Gather", 1), {Counting({2, 3}), I({1, 2}, {1, -3})}), I({2, 1, 2}, {1, 0, 4, 3})));
  EXPECT_TRUE(Identical(Run1({"Gather"}, {List({7, 8, 9}), I({}, {1})}), I({}, {8})));
  EXPECT_TRUE(Identical(Run1({"Gather"}, {B({2}, {1, 0}), I32({1}, {1})}), B({1}, {0})));
  EXPECT_EQ(Run1({"Gather"}, {Counting({3, 0}), List({1})}).shape(), (Shape{1, 0}));
  EXPECT_EQ(Run1({"Gather"}, {Counting({0, 2}), List({})}).shape(), (Shape{0, 2}));
  for (const std::int64_t index : {std::int64_t{3}, std::int64_t{-4}, kLowest, kHighest}) {
    EXPECT_THAT(ErrorOf({"Gather"}, {Counting({3}), List({index})}), HasSubstr("is out of range for 3"));
  }
  EXPECT_THAT(ErrorOf({"Gather"}, {Counting({0}), List({0})}), HasSubstr("out of range"));
  EXPECT_THAT(ErrorOf({"Gather"}, {Counting({3}), F({1}, {0})}), HasSubstr("must be integers"));
  EXPECT_THAT(ErrorOf(WithAxis("Gather", 1), {Counting({3}), List({0})}), HasSubstr("axis 1 is out of range"));
  EXPECT_THAT(ErrorOf({"Gather"}, {Counting({}), List({0})}), HasSubstr("out of range"));
}

TEST(Movement, GatherChecksIndicesThatAreMadeInTheRun) {
  const Operator& gather = *Find("Gather");
  const graph::Node node{"n", "Gather", {0, 1}, {2}, {}};
  const TensorType data{DataType::kInt64, {3}}, list{DataType::kInt64, {1}};
  const InferInput inputs[] = {{&data, nullptr}, {&list, nullptr}};
  EXPECT_EQ(gather.infer(node, std::span(inputs)).at(0), list);
  const Tensor x = Counting({3}), bad = List({3});
  const Tensor* const tensors[] = {&x, &bad};
  std::vector<Tensor> outputs{Counting({1})};
  EXPECT_THAT(ModelError([&] { gather.reference(node, std::span(tensors), outputs); }),
              HasSubstr("index 3 is out of range"));
}

}  // namespace
}  // namespace prefiqs::ops
