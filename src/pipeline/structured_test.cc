// Structured pruning, run: masked, taken out, and built without the channels in the first place.
#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <algorithm>
#include <functional>

#include "pipeline/structured_for_test.h"
#include "prune/structured.h"

namespace prefiqs {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;

using Build = std::function<ValueId(SlicedBuilder&, ValueId)>;

Graph BuildGraph(SlicedBuilder& builder, const Build& build) {
  const ValueId x = builder.Input({1, 3, kSide, kSide});
  return builder.Done({build(builder, x)});
}

// `removed`: how many places of each label go when half of each group does (of others none).
void Check(const Build& build, const std::map<char, std::int64_t>& removed) {
  for (const Criterion criterion : {Criterion::kL1, Criterion::kRandom}) {
    SlicedBuilder whole_builder;
    const Graph whole = BuildGraph(whole_builder, build);
    const prune::Masks masks = prune::ComputeMasks(whole, Structured(0.5, criterion));
    std::map<char, std::vector<std::int64_t>> missing;
    for (const auto& [label, axes] : whole_builder.labelled) {
      const auto wanted = removed.find(label);
      for (const auto& axis : axes) {
        const auto it = masks.removed.find(axis);
        const std::vector<std::int64_t> gone = it == masks.removed.end() ? std::vector<std::int64_t>() : it->second;
        EXPECT_EQ(std::ssize(gone), wanted == removed.end() ? 0 : wanted->second) << label;
        if (axis == axes.front()) missing[label] = gone;
        EXPECT_EQ(gone, missing[label]) << label << " is not coupled";
      }
    }
    SlicedBuilder builder(missing);
    const Graph by_hand = BuildGraph(builder, build);
    const Graph masked = prune::ApplyMasks(whole, masks);
    const Graph smaller = prune::RemoveChannels(whole, masks, {});
    graph::Validate(smaller);
    ExpectSameResult(smaller, by_hand, "taken out");
    ExpectSameResult(masked, by_hand, "masked");
    EXPECT_EQ(Parameters(smaller), Parameters(by_hand));
  }
}

TEST(StructuredForms, Chain) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 6), c = b.Axis('c', 8);
        x = b.Add("Relu", {b.ConvOf(x, "1", b.All(3), a)});
        return b.Head(b.ConvOf(x, "2", a, c), c);
      },
      {{'a', 3}, {'c', 4}});
}

TEST(StructuredForms, WhatMakesSomethingOfZeros) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 6), c = b.Axis('c', 8), d = b.Axis('d', 4), e = b.Axis('e', 4);
        x = b.Add("Sigmoid", {b.ConvOf(x, "1", b.All(3), a)});
        x = b.Add("Clip", {b.ConvOf(x, "2", a, c), b.Scalar(0.25f), b.Scalar(6)});
        x = b.Add("Exp", {b.Add("Add", {b.ConvOf(x, "3", c, d), b.Weights("shift", {d, b.All(1), b.All(1)})})});
        x = b.Add("Max", {b.ConvOf(x, "4", d, e), b.Weights("floor", {e, b.All(1), b.All(1)}, 0.1f, 0.5f)});
        x = b.Add("Div", {x, b.Weights("divisor", {b.All(1), e, b.All(1), b.All(1)}, 0.5f, 1)});
        Tensor chosen(graph::DataType::kBool, {e.size(), 1, 1});
        for (std::size_t i = 0; i < e.kept.size(); ++i) chosen.values<bool>()[i] = e.kept[i] % 2 == 0;
        x = b.Add("Where", {b.Constant(std::move(chosen)), x, b.Scalar(2)});
        return b.Head(b.Add("Sub", {b.Scalar(1), x}), e);
      },
      {{'a', 3}, {'c', 4}, {'d', 2}, {'e', 2}});
}

TEST(StructuredForms, ResidualWithNormAndSlopes) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 8), c = b.Axis('c', 6);
        x = b.Add("PRelu",
                  {b.NormOf(b.ConvOf(x, "1", b.All(3), a), "n1", a), b.Weights("s1", {a, b.All(1), b.All(1)})});
        for (const std::string block : {"b1", "b2"}) {  // as iresnet has them: norm, conv, norm, slopes, conv, norm
          const Places inner = block == "b1" ? c : b.Axis('d', 10);
          ValueId y = b.NormOf(b.ConvOf(b.NormOf(x, block + "n1", a), block + "c1", a, inner), block + "n2", inner);
          y = b.Add("PRelu", {y, b.Weights(block + "s", {inner, b.All(1), b.All(1)})});
          x = b.Add("Add", {x, b.NormOf(b.ConvOf(y, block + "c2", inner, a), block + "n3", a)});
        }
        x = b.Head(b.NormOf(x, "last", a), a);
        return b.NormOf(x, "embedding", b.All(5));
      },
      {{'a', 4}, {'c', 3}, {'d', 5}});
}

TEST(StructuredForms, Depthwise) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 6), c = b.Axis('c', 4);
        x = b.ConvOf(x, "1", b.All(3), a);
        x = b.Add("Relu", {b.ConvOf(x, "depthwise", b.All(1), a, 3, a.size())});
        x = b.Add("Relu", {b.ConvOf(x, "twice", b.All(1), a.Each(2), 3, a.size())});
        return b.Head(b.ConvOf(x, "2", a.Each(2), c, 1), c);
      },
      {{'a', 3}, {'c', 2}});
}

TEST(StructuredForms, Grouped) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 4), c = b.Axis('c', 6);
        x = b.Add("Relu", {b.ConvOf(x, "1", b.All(3), a.Repeated(2))});
        x = b.Add("Relu", {b.ConvOf(x, "grouped", a, c.Repeated(2), 3, 2)});
        x = b.ConvOf(x, "grouped again", c, b.All(4), 3, 2);
        return b.Head(b.Add("Softmax", {x}, {{"axis", std::int64_t{1}}}), b.All(4));
      },
      {{'a', 2}, {'c', 3}});
}

TEST(StructuredForms, Concat) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 4), c = b.Axis('c', 6), d = b.Axis('d', 4);
        const ValueId one = b.ConvOf(x, "1", b.All(3), a), two = b.ConvOf(x, "2", b.All(3), c);
        const ValueId both = b.Add("Concat", {one, two, one}, {{"axis", std::int64_t{1}}});
        const Places joined = a.Then(c).Then(a);
        return b.Head(b.ConvOf(b.NormOf(both, "n", joined), "3", joined, d), d);
      },
      {{'a', 2}, {'c', 3}, {'d', 2}});
}

TEST(StructuredForms, FlattenedInEveryWay) {
  for (const int way : {0, 1, 2, 3, 4}) {
    SCOPED_TRACE(way);
    Check(
        [way](SlicedBuilder& b, ValueId x) {
          const Places a = b.Axis('a', 4);
          constexpr std::int64_t kPlane = kSide * kSide;
          x = b.Add("Relu", {b.ConvOf(x, "1", b.All(3), a)});
          Places columns = a.Each(kPlane);
          if (way == 0) x = b.Add("Reshape", {x, b.Ints({1, a.size() * kPlane})});
          if (way == 1) x = b.Add("Reshape", {x, b.Ints({0, -1})});
          if (way == 2) x = b.Add("Reshape", {x, b.Ints({-1, a.size() * kPlane})});
          if (way == 3) {  // as TensorFlow does: channels last
            x = b.Add("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}});
            x = b.Add("Flatten", {x});
            columns = a.Repeated(kPlane);
          }
          if (way == 4) {
            x = b.Add("GlobalAveragePool", {x});
            x = b.Add("Squeeze", {x, b.Ints({2, 3})});
            x = b.Add("Unsqueeze", {x, b.Ints({1})});
            x = b.Add("Reshape", {x, b.Ints({1, a.size()})});
            columns = a;
          }
          return b.Add("Gemm", {x, b.Weights("head", {columns, b.All(5)})});
        },
        {{'a', 2}});
  }
}

TEST(StructuredForms, MatricesInARow) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 6), c = b.Axis('c', 4);
        x = b.Add("MatMul", {b.Add("Flatten", {x}), b.Weights("1", {b.All(3 * kSide * kSide), a})});
        x = b.Add("Tanh", {b.Add("Add", {x, b.Weights("1.b", {a})})});
        x = b.Add("Gemm", {x, b.Weights("2", {c, a}), b.Weights("2.b", {b.All(1), c})},
                  {{"transB", std::int64_t{1}}, {"alpha", 0.5f}});
        x = b.Add("BatchNormalization",
                  {x, b.Weights("s", {c}), b.Weights("t", {c}), b.Weights("m", {c}), b.Weights("v", {c}, 0.5f, 1)});
        return b.Add("MatMul", {x, b.Weights("3", {c, b.All(5)})});
      },
      {{'a', 3}, {'c', 2}});
}

TEST(StructuredForms, SharedWeights) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 6);
        x = b.ConvOf(x, "1", b.All(3), a);
        const ValueId w = b.Weights("shared", {a, a, b.All(1), b.All(1)}), bias = b.Weights("bias", {a});
        for (int i = 0; i < 3; ++i) x = b.Add("Relu", {b.Add("Conv", {x, w, bias})});
        return b.Head(x, a);
      },
      {{'a', 3}});
}

TEST(StructuredForms, SqueezeAndExcite) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 8), c = b.Axis('c', 4);
        x = b.ConvOf(x, "1", b.All(3), a);
        ValueId s = b.Add("ReduceMean", {x, b.Ints({2, 3})});
        s = b.Add("Relu", {b.ConvOf(s, "down", a, c, 1)});
        s = b.Add("HardSigmoid", {b.ConvOf(s, "up", c, a, 1)});
        return b.Head(b.Add("Mul", {x, s}), a);
      },
      {{'a', 4}, {'c', 2}});
}

TEST(StructuredForms, WithinChannels) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 4), c = b.Axis('c', 6);
        x = b.Add("InstanceNormalization", {b.ConvOf(x, "1", b.All(3), a), b.Weights("s", {a}), b.Weights("t", {a})});
        x = b.Add("Pad", {x, b.Ints({0, 0, 1, 1, 0, 0, 1, 1}), b.Scalar(0.5f)});
        x = b.Add("MaxPool", {x},
                  {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}});
        x = b.Add("Resize", {x, graph::kNone, b.Constant(Tensor::From<float>({4}, std::vector<float>{1, 1, 2, 2}))},
                  {{"mode", std::string("nearest")}});
        return b.Head(
            b.Add("AveragePool", {b.ConvOf(x, "2", a, c)}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}}), c);
      },
      {{'a', 2}, {'c', 3}});
}

// Tokens of eight channels -> attention of `heads` heads of three -> a matrix and the way around -> the embedding.
ValueId Attention(SlicedBuilder& b, ValueId x, const Places& heads, bool joined, bool spelt) {
  constexpr std::int64_t kWidth = 8, kTokens = kSide * kSide, kOfHead = 3;
  const Places inner = heads.Each(kOfHead), width = b.All(kWidth);
  x = b.Add("Reshape", {b.ConvOf(x, "patches", b.All(3), width, 1), b.Ints({1, kWidth, kTokens})});
  x = b.Add("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
  const auto linear = [&](ValueId from, const std::string& name, const Places& in, const Places& out) {
    return b.Add("Add", {b.Add("MatMul", {from, b.Weights(name, {in, out})}), b.Weights(name + ".b", {out})});
  };
  const ValueId norm = b.Add("LayerNormalization", {x, b.Weights("scale", {width}), b.Weights("shift", {width})});
  ValueId q, k, v;
  const std::int64_t size = spelt ? heads.size() : -1;
  if (joined) {  // as timm has it: a matrix for all three
    ValueId all = linear(norm, "qkv", width, inner.Repeated(3));
    all = b.Add("Reshape", {all, b.Ints({1, kTokens, 3, size, kOfHead})});
    all = b.Add("Transpose", {all}, {{"perm", std::vector<std::int64_t>{2, 0, 3, 1, 4}}});
    q = b.Add("Gather", {all, b.Constant(Tensor::From<std::int64_t>({}, std::vector<std::int64_t>{0}))});
    const auto parts = b.AddMany("Split", {all, b.Ints({1, 1, 1})}, 3, {{"axis", std::int64_t{0}}});
    k = b.Add("Transpose", {b.Add("Squeeze", {parts[1], b.Ints({0})})},
              {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
    v = b.Add("Squeeze", {parts[2], b.Ints({0})});
  } else {
    const auto split = [&](const std::string& name, const std::vector<std::int64_t>& perm) {
      const ValueId y = b.Add("Reshape", {linear(norm, name, width, inner), b.Ints({1, kTokens, size, kOfHead})});
      return b.Add("Transpose", {y}, {{"perm", perm}});
    };
    q = split("q", {0, 2, 1, 3});
    k = split("k", {0, 2, 3, 1});
    v = split("v", {0, 2, 1, 3});
  }
  ValueId y = b.Add("Mul", {b.Add("MatMul", {q, k}), b.Scalar(0.5f)});
  y = b.Add("Add", {y, b.Weights("places", {heads, b.All(kTokens), b.All(kTokens)})});  // as Swin has them
  y = b.Add("MatMul", {b.Add("Softmax", {y}, {{"axis", std::int64_t{-1}}}), v});
  y = b.Add("Transpose", {y}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
  y = b.Add("Reshape", {y, b.Ints({1, kTokens, spelt ? inner.size() : -1})});
  x = b.Add("Add", {x, linear(y, "out", inner, width)});
  return b.Add("MatMul", {b.Add("ReduceMean", {x, b.Ints({1})}, {{"keepdims", std::int64_t{0}}}),
                          b.Weights("head", {width, b.All(5)})});
}

TEST(StructuredForms, HeadsOfAttentionGoWhole) {
  for (const bool joined : {false, true}) {
    for (const bool spelt : {false, true}) {
      SCOPED_TRACE(joined);
      SCOPED_TRACE(spelt);
      Check([&](SlicedBuilder& b, ValueId x) { return Attention(b, x, b.Axis('h', 4), joined, spelt); }, {{'h', 2}});
    }
  }
}

// One group is left to prune, so that there is one.
TEST(StructuredForms, WhatMixesChannelsStays) {
  const auto last = [](SlicedBuilder& b, ValueId x, const Places& from) {
    const Places z = b.Axis('z', 4);
    return b.Head(b.ConvOf(x, "last", from, z), z);
  };
  const std::vector<std::pair<std::string, std::function<ValueId(SlicedBuilder&, ValueId)>>> mixers = {
      {"softmax",
       [](auto& b, ValueId x) {
         return b.Add("Softmax", {x}, {{"axis", std::int64_t{1}}});
       }},
      {"norm of channels",
       [](auto& b, ValueId x) {
         return b.Add("Add", {x, b.Add("ReduceL2", {x, b.Ints({1})})});
       }},
      {"division by what may be zero",
       [](auto& b, ValueId x) {
         return b.Add("Div", {b.Add("Exp", {x}), b.Add("Exp", {x})});
       }},
      {"power below zero",
       [](auto& b, ValueId x) {
         return b.Add("Pow", {b.Add("Exp", {x}), b.Scalar(-1)});
       }},
      {"shuffle",
       [](auto& b, ValueId x) {
         x = b.Add("Reshape", {x, b.Ints({1, 2, 4, kSide, kSide})});
         x = b.Add("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3, 4}}});
         return b.Add("Reshape", {x, b.Ints({1, 8, kSide, kSide})});
       }},
      {"halves",
       [](auto& b, ValueId x) {
         const auto parts = b.AddMany("Split", {x, b.Ints({4, 4})}, 2, {{"axis", std::int64_t{1}}});
         return b.Add("Concat", {parts[1], parts[0]}, {{"axis", std::int64_t{1}}});
       }},
      {"backwards",
       [](auto& b, ValueId x) {
         return b.Add("Slice", {x, b.Ints({-1}), b.Ints({-9}), b.Ints({1}), b.Ints({-1})});
       }},
      {"channels from nowhere",
       [](auto& b, ValueId x) {
         const auto part = b.Add("Slice", {x, b.Ints({0}), b.Ints({6}), b.Ints({1})});
         return b.Add("Pad", {part, b.Ints({0, 1, 0, 0, 0, 1, 0, 0})});
       }},
  };
  for (const auto& mixer : mixers) {
    SCOPED_TRACE(mixer.first);
    const auto& mix = mixer.second;
    Check(
        [&](SlicedBuilder& b, ValueId x) {
          const Places a = b.Axis('a', 8);
          return last(b, mix(b, b.ConvOf(x, "1", b.All(3), a)), a);
        },
        {{'z', 2}});
  }
}

// Numbers computed from a channel's own are not taken out with it.
TEST(StructuredForms, WhatIsComputedFromConstantsStays) {
  Check(
      [](SlicedBuilder& b, ValueId x) {
        const Places a = b.Axis('a', 8), z = b.Axis('z', 4);
        const ValueId bias = b.Weights("bias", {a});
        x = b.Add("Conv", {x, b.Weights("w", {a, b.All(3), b.All(1), b.All(1)}), bias});
        x = b.Add("Add", {x, b.Add("ReduceMean", {bias, b.Ints({0})})});
        return b.Head(b.ConvOf(x, "last", a, z), z);
      },
      {{'z', 2}});
}

}  // namespace
}  // namespace prefiqs
