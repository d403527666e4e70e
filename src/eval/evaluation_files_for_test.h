// Evaluations on files made here.
#ifndef PREFIQS_EVAL_EVALUATION_FILES_FOR_TEST_H_
#define PREFIQS_EVAL_EVALUATION_FILES_FOR_TEST_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>

#include "base/folder_for_test.h"
#include "report/npy.h"

namespace prefiqs {

inline constexpr int kPeople = 40, kPictures = 4, kWidth = 32;

// Pictures of people: the worse, the noisier the embedding. Quality says so; "useless" does not.
class Evaluate : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<float> uniform;
    std::string rows = "path,quality,embedding_norm\n", other = "file,blur\n";
    report::NpyFile embeddings(folder / "e.npy", report::OpenMode::kNew, kWidth);
    std::vector<std::string> names;
    for (int p = 0; p < kPeople; ++p) {
      std::vector<float> person(kWidth);
      for (float& v : person) v = normal(random);
      for (int k = 0; k < kPictures; ++k) {
        const float bad = uniform(random);
        std::vector<float> row;
        for (const float v : person) row.push_back(v + 2.2f * bad * normal(random));
        if (p == 0 && k == 0) row.assign(kWidth, NAN);  // no face was found
        embeddings.Append(row);
        names.push_back(fmt::format("{}/{}", p, k));
        rows += fmt::format("/pictures/{}.png,{},\n", names.back(), p == 0 && k == 0 ? "" : fmt::format("{}", 1 - bad));
        other += fmt::format("{}.jpg,{}\n", names.back(), bad);
      }
    }
    Fill(folder / "rows.csv", rows);
    Fill(folder / "other.csv", other);
    std::string pairs = "file_a,file_b,mated\n";
    for (std::size_t a = 0; a < names.size(); ++a) {
      for (std::size_t b = a + 1; b < names.size(); ++b) {
        pairs += fmt::format("{},{},{}\n", names[a], names[b], a / kPictures == b / kPictures ? 1 : 0);
      }
    }
    Fill(folder / "pairs.csv", pairs);
    options.pairs = folder / "pairs.csv";
    options.rows = folder / "rows.csv";
    options.embeddings = folder / "e.npy";
    options.resamples = 40;
  }
  FolderForTest folder;
  EvaluationOptions options;
};

}  // namespace prefiqs

#endif  // PREFIQS_EVAL_EVALUATION_FILES_FOR_TEST_H_
