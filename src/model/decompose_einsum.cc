// Einsum in transpositions, a product and sums. https://onnx.ai/onnx/operators/onnx__Einsum.html
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "model/decompose_parts.h"

namespace prefiqs::model {
namespace {

using graph::ValueId;

// A value whose axes have these letters, in order.
struct Labelled {
  ValueId value;
  std::string letters;
};

bool Has(std::string_view letters, char letter) { return letters.find(letter) != std::string_view::npos; }

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string CheckedLetters(std::string_view term) {
  std::string letters;
  for (const char c : term) {
    if (!IsLetter(c)) {
      Parts::Fail(fmt::format("the equation has '{}' where a letter belongs; export the network without it", c));
    }
    if (Has(letters, c)) {
      Parts::Fail(
          fmt::format("the equation has '{}' twice in one term, a diagonal, which is not supported; export the "
                      "network without it",
                      c));
    }
    letters += c;
  }
  return letters;
}

struct Equation {
  std::vector<std::string> terms;
  std::string result;
};

Equation Parse(std::string text) {
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  std::string_view left = std::string_view(text).substr(0, arrow);
  Equation equation;
  for (std::size_t comma = left.find(','); comma != std::string_view::npos; comma = left.find(',')) {
    equation.terms.push_back(CheckedLetters(left.substr(0, comma)));
    left.remove_prefix(comma + 1);
  }
  equation.terms.push_back(CheckedLetters(left));
  std::string all;
  for (const std::string& term : equation.terms) all += term;
  if (arrow != std::string::npos) {
    equation.result = CheckedLetters(std::string_view(text).substr(arrow + 2));
  } else {  // those that come once, in the order of the alphabet
    for (const char c : all) {
      if (std::ranges::count(all, c) == 1) equation.result += c;
    }
    std::ranges::sort(equation.result);
  }
  for (const char c : equation.result) {
    if (!Has(all, c)) Parts::Fail(fmt::format("the equation's result has '{}', which no term has", c));
  }
  return equation;
}

// The sum over the letters that `kept` lacks.
Labelled SummedTo(Parts& p, Labelled x, std::string_view kept) {
  std::vector<std::int64_t> axes;
  std::string left;
  for (std::size_t i = 0; i < x.letters.size(); ++i) {
    if (Has(kept, x.letters[i])) {
      left += x.letters[i];
    } else {
      axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  if (axes.empty()) return x;
  return {p.Emit("ReduceSum", {x.value, p.Integers(axes)}, {{"keepdims", std::int64_t{0}}}), left};
}

// Empty: the axes are in order.
std::vector<std::int64_t> Permutation(const Labelled& x, std::string_view order) {
  std::vector<std::int64_t> perm;
  for (const char c : order) {
    if (const std::size_t at = x.letters.find(c); at != std::string::npos)
      perm.push_back(static_cast<std::int64_t>(at));
  }
  return std::ranges::is_sorted(perm) ? std::vector<std::int64_t>() : perm;
}

// With the axes of `order`, which has all of x's letters; axes of size one where x has no such letter.
ValueId Aligned(Parts& p, Labelled x, std::string_view order) {
  if (const auto perm = Permutation(x, order); !perm.empty()) {
    x.value = p.Emit("Transpose", {x.value}, {{"perm", perm}});
  }
  std::vector<std::int64_t> added;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!Has(x.letters, order[i])) added.push_back(static_cast<std::int64_t>(i));
  }
  return added.empty() ? x.value : p.Emit("Unsqueeze", {x.value, p.Integers(added)});
}

// The letters of `from` that `other` has too (`shared`), or those that it lacks.
std::string Letters(std::string_view from, std::string_view other, bool shared) {
  std::string chosen;
  for (const char c : from) {
    if (Has(other, c) == shared) chosen += c;
  }
  return chosen;
}

// Sums over one letter that both have by a matrix product, the other letters being axes of many matrices, which
// broadcast; then over what else they share. No letter to sum over: the product of elements.
Labelled Product(Parts& p, const Labelled& a, const Labelled& b, const std::string& result) {
  const std::string summed = Letters(Letters(a.letters, b.letters, true), result, false);
  if (summed.empty()) return {p.Emit("Mul", {Aligned(p, a, result), Aligned(p, b, result)}), result};
  const std::string rows = Letters(Letters(result, a.letters, true), b.letters, false);
  const std::string columns = Letters(Letters(result, b.letters, true), a.letters, false);
  const char inner = summed.back();
  std::string outer;  // what both have, or what is more than one row or column
  for (const char c : result) {
    const bool is_matrix = (!rows.empty() && c == rows.back()) || (!columns.empty() && c == columns.back());
    if (!is_matrix) outer += c;
  }
  outer += summed.substr(0, summed.size() - 1);
  // Characters that are no letters stand for axes of size one.
  const char row = rows.empty() ? '0' : rows.back(), column = columns.empty() ? '1' : columns.back();
  Labelled product{p.Emit("MatMul", {Aligned(p, a, outer + row + inner), Aligned(p, b, outer + inner + column)}),
                   outer + row + column};
  return SummedTo(p, product, result);  // sums of one element where a row or a column stands for nothing
}

void Einsum(Parts& p) {
  const Equation equation = Parse(p.node.String("equation", ""));
  if (equation.terms.size() != p.node.inputs.size()) {
    p.Fail(
        fmt::format("the equation has {} terms and the node {} inputs; the file is damaged, export the network again",
                    equation.terms.size(), p.node.inputs.size()));
  }
  std::vector<Labelled> terms;
  for (std::size_t i = 0; i < equation.terms.size(); ++i) {
    std::string kept = equation.result;
    for (std::size_t other = 0; other < equation.terms.size(); ++other) {
      if (other != i) kept += equation.terms[other];
    }
    terms.push_back(SummedTo(p, {p.Required(i), equation.terms[i]}, kept));
  }
  const Labelled result = terms.size() == 1 ? terms[0] : Product(p, terms[0], terms[1], equation.result);
  if (const auto perm = Permutation(result, equation.result); !perm.empty()) {
    return p.Result("Transpose", {result.value}, {{"perm", perm}});
  }
  p.Result("Identity", {result.value});
}

constexpr std::string_view kEquation[] = {"equation"};
constexpr Decomposition kRows[] = {{"", "Einsum", 12, 1, 2, 1, kEquation, Einsum}};

}  // namespace

std::span<const Decomposition> EinsumDecompositions() { return kRows; }

}  // namespace prefiqs::model
