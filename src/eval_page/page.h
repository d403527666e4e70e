// An evaluation as one HTML file that needs nothing else.
//
// Everything is there without a script. With one, buttons (data-pick) choose among what is there (data-show), and
// curves are read at the pointer.
#ifndef PREFIQS_EVAL_PAGE_PAGE_H_
#define PREFIQS_EVAL_PAGE_PAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <prefiqs/evaluation.h>

#include "eval/kept_errors.h"
#include "eval_page/thumbnails.h"

namespace prefiqs::eval_page {

struct Facts {
  std::string pairs, rows, embeddings, made_by;
  std::vector<bool> lower_is_better;  // by method: its qualities were negated; missing: no
  bool of_templates = false;          // which stand where images do, and have no pictures of their own
};

// What the page is made of.
struct Content {
  const EvaluationReport& report;
  const eval::Examples& examples;
  const std::map<std::uint32_t, Thumbnail>& thumbnails;  // by image; one that is not there is left out for room
  const Facts& facts;
};

// Names are escaped; bytes that are no UTF-8 stay.
std::string RenderPage(const Content& content);

// The report without its last method, the floor, of which nothing is to be seen in pictures.
std::size_t MethodsShown(const EvaluationReport& report);

// Images by a method's quality, those without one left out: no more than `count` of the lowest and of the highest.
struct Extremes {
  std::vector<std::uint32_t> worst, best;
  std::size_t missing = 0;
};
Extremes ExtremesOf(const std::vector<float>& quality, std::size_t count);

// Images that the page shows, what matters most first, each once.
std::vector<std::uint32_t> ImagesShown(const EvaluationReport& report, const eval::Examples& examples);

// Its parts.
std::string RenderCurves(const EvaluationReport& report);  // with the numbers that the script reads
std::string RenderErrorRates(const EvaluationReport& report);
std::string RenderAreas(const EvaluationReport& report);
std::string RenderHarm(const EvaluationReport& report);
std::string RenderFaces(const Content& content);
std::string RenderErrors(const Content& content);
std::string RenderThumbnails(const Content& content);  // that the others refer to

// A row of buttons for a choice: values and what is written on them.
std::string Buttons(const std::string& group, const std::vector<std::pair<std::string, std::string>>& choices);
std::string ProtocolButtons(const EvaluationReport& report);  // of those that it has curves of
std::string MethodButtons(const EvaluationReport& report, const std::string& group);
// The method's colour and escaped name.
std::string MethodName(const EvaluationReport& report, std::size_t method);

}  // namespace prefiqs::eval_page

#endif  // PREFIQS_EVAL_PAGE_PAGE_H_
