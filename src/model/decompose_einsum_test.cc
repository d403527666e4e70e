#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/model_for_test.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using graph::Shape;
using graph::Tensor;
using ::testing::HasSubstr;

std::int64_t SizeOf(char letter) { return 2 + (letter - 'a') % 3; }

Shape ShapeOf(const std::string& letters) {
  Shape shape;
  for (const char c : letters) shape.push_back(SizeOf(c));
  return shape;
}

TestModel Model(const std::string& equation, const std::vector<std::pair<std::string, Tensor>>& inputs) {
  TestModel model(17);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : inputs) {
    model.Initializer(name, tensor);
    names.push_back(name);
  }
  Set(model.Node("Einsum", names, {"y"}), "equation", equation.c_str());
  model.Output("y");
  return model;
}

// What the equation says: a loop over all values of all letters.
std::vector<double> ByLoops(const std::vector<std::string>& terms, const std::string& result,
                            const std::vector<Tensor>& tensors) {
  std::map<char, std::int64_t> place;
  for (const std::string& term : terms) {
    for (const char c : term) place[c] = 0;
  }
  const auto offset = [&](const std::string& letters) {
    std::int64_t at = 0;
    for (const char c : letters) at = at * SizeOf(c) + place[c];
    return static_cast<std::size_t>(at);
  };
  std::vector<double> sums(static_cast<std::size_t>(graph::ElementCount(ShapeOf(result))));
  for (bool more = true; more;) {
    double product = 1;
    for (std::size_t i = 0; i < terms.size(); ++i) product *= double{tensors[i].values<float>()[offset(terms[i])]};
    sums[offset(result)] += product;
    more = false;
    for (auto& [letter, at] : place) {
      if (++at < SizeOf(letter)) {
        more = true;
        break;
      }
      at = 0;
    }
  }
  return sums;
}

void Check(const std::vector<std::string>& terms, const std::string& result) {
  std::string equation = terms[0];
  if (terms.size() > 1) equation += "," + terms[1];
  equation += " -> " + result;
  SCOPED_TRACE(equation);
  std::mt19937 random(7);
  std::vector<Tensor> tensors;
  std::vector<std::pair<std::string, Tensor>> inputs;
  for (const std::string& term : terms) {
    Tensor tensor(graph::DataType::kFloat32, ShapeOf(term));
    for (float& x : tensor.values<float>()) x = static_cast<float>(random() % 17) / 8 - 1;
    inputs.emplace_back(std::string(1, static_cast<char>('a' + inputs.size())) + "_input", tensor);
    tensors.push_back(std::move(tensor));
  }
  const graph::Graph graph = ops::FoldConstants(Read(Model(equation, inputs)));
  const Tensor* y = graph.constant(graph.outputs[0]);
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(y->shape(), ShapeOf(result));
  const std::vector<double> wanted = ByLoops(terms, result, tensors);
  ASSERT_EQ(y->values<float>().size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(y->values<float>()[i], wanted[i], 1e-5) << i;
}

TEST(Einsum, IsWhatItsEquationSays) {
  Check({"bhid", "bhjd"}, "bhij");  // attention's scores
  Check({"bhij", "bhjd"}, "bhid");
  Check({"bchw", "bwk"}, "bchk");
  Check({"ij", "jk"}, "ik");
  Check({"ij", "jk"}, "ki");
  Check({"ij", "kj"}, "ki");
  Check({"i", "i"}, "");
  Check({"i", "j"}, "ij");
  Check({"i", "j"}, "ji");
  Check({"ij", "ij"}, "ij");
  Check({"ij", "i"}, "ji");
  Check({"ijk", "jkl"}, "il");
  Check({"ijk", "ijk"}, "");
  Check({"ijk", "jl"}, "ki");
  Check({"ij"}, "ji");
  Check({"ij"}, "j");
  Check({"ijk"}, "");
  Check({"ijk"}, "ijk");
}

TEST(Einsum, IsThatOfRandomEquationsToo) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> terms(1 + random() % 2);
    std::string all, result;
    for (std::string& term : terms) {
      std::string letters = "abcdef";
      std::shuffle(letters.begin(), letters.end(), random);
      term = letters.substr(0, random() % 4);
      all += term;
    }
    std::shuffle(all.begin(), all.end(), random);
    for (const char c : all) {
      if (random() % 2 == 0 && result.find(c) == std::string::npos) result += c;
    }
    Check(terms, result);
  }
}

TEST(Einsum, NeedsNoArrow) {
  const Tensor x = Tensor::From<float>({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  const graph::Graph graph = ops::FoldConstants(Read(Model("ba", {{"x", x}})));
  EXPECT_EQ(graph.constant(graph.outputs[0])->shape(), (Shape{3, 2}));
  EXPECT_EQ(graph.constant(graph.outputs[0])->values<float>()[1], 4);
}

TEST(Einsum, RefusesWhatItCannotSay) {
  const Tensor x = Tensor::From<float>({2, 2}, std::vector<float>{1, 2, 3, 4});
  EXPECT_THAT(ErrorOf(Model("ii->i", {{"x", x}})), HasSubstr("a diagonal"));
  EXPECT_THAT(ErrorOf(Model("...i->...", {{"x", x}})), HasSubstr("'.' where a letter belongs"));
  EXPECT_THAT(ErrorOf(Model("ij->k", {{"x", x}})), HasSubstr("'k', which no term has"));
  EXPECT_THAT(ErrorOf(Model("ij,jk->ik", {{"x", x}})), HasSubstr("2 terms and the node 1 inputs"));
  EXPECT_THAT(ErrorOf(Model("ij,jk,kl->il", {{"x", x}, {"y_input", x}, {"z", x}})), HasSubstr("input 2"));
}

}  // namespace
}  // namespace prefiqs::model
