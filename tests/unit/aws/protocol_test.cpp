// Protocols: forms and XML to trees, trees and errors to bytes, ARNs, operation rows.
#include "aws/protocol.h"

#include <catch2/catch.hpp>

#include "aws/arn.h"
#include "aws/operation.h"

using base::Node;

namespace {

std::string query(std::string_view form) {
    try {
        return base::to_json(aws::parse_query_input(form));
    } catch (const aws::Error& error) {
        return error.code;
    }
}

std::string xml(std::string_view text,
                std::string_view lists = "Aliases.Items=CNAME\nDelete.Object=\n") {
    auto tree = aws::parse_xml(text, lists);
    return tree ? base::to_json(*tree) : "error: " + tree.error();
}

const aws::ServiceInfo kQuery{.name = "elbv2",
                              .version = "2015-12-01",
                              .protocol = aws::Protocol::Query,
                              .xml_namespace = "http://x/",
                              .list_names = "DoResult.Named=Item\nDoResult.Flat=\n"};
const aws::ServiceInfo kJson{.name = "ecs", .protocol = aws::Protocol::Json11};
const aws::ServiceInfo kRest{.name = "cloudfront",
                             .version = "/2020-05-31/",
                             .protocol = aws::Protocol::RestXml,
                             .xml_namespace = "http://cf/"};

aws::Call call(std::string operation) {
    aws::Call call;
    call.operation = std::move(operation);
    call.request_id = "id-1";
    return call;
}

}  // namespace

TEST_CASE("Query forms become trees (alb.md §21)") {
    struct Row {
        std::string_view form, expected;
    };
    auto row = GENERATE(values<Row>({
        {"Action=X&Version=1&Name=a+b%21", R"({"Name":"a b!"})"},
        {"Subnets.member.1=a&Subnets.member.2=b", R"({"Subnets":["a","b"]})"},
        {"S.member.10=j&S.member.9=i&S.member.1=a", R"({"S":["a","i","j"]})"},
        {"T.member.1.Key=k&T.member.1.Value=", R"({"T":[{"Key":"k","Value":""}]})"},
        {"A.member.1.F.G.member.1.Arn=x&A.member.1.Type=forward",
         R"({"A":[{"F":{"G":[{"Arn":"x"}]},"Type":"forward"}]})"},
        {"M.entry.1.key=a&M.entry.1.value=b", R"({"M":[{"key":"a","value":"b"}]})"},
        {"Empty=", R"({"Empty":""})"},
        {"L=&L.member.1=x", R"({"L":["x"]})"},
        {"Filter.1.Name=n", R"({"Filter":[{"Name":"n"}]})"},
        {"", "{}"},
        {"&&&=&=x", "{}"},
        {"a=1&a=2", R"({"a":"2"})"},
        // hostile
        {"a=1&a.b=2", "MalformedQueryString"},
        {"S.member.18446744073709551615=x&S.member.1=y", R"({"S":["y","x"]})"},
        {"S.member.99999999999999999999=x", R"({"S":{"member":{"99999999999999999999":"x"}}})"},
        {"a..b=1", R"({"a":{"":{"b":"1"}}})"},
        {".=1", R"({"":{"":"1"}})"},
    }));
    CAPTURE(row.form);
    CHECK(query(row.form) == row.expected);
    std::string deep = "a";
    for (int i = 0; i < 40; ++i)
        deep += ".a";
    CHECK(query(deep + "=1") == "MalformedQueryString");
    std::string many;
    for (int i = 0; i < 30'000; ++i)
        many += "a=1&";
    CHECK(query(many) == "MalformedQueryString");
}

TEST_CASE("Query answers and errors") {
    aws::Reply reply;
    reply.output = Node::object({{"A", "<&>"},
                                 {"L", Node::array({"x", Node::object({{"K", 1}})})},
                                 {"E", Node::array()},
                                 {"B", true},
                                 {"N", Node()},
                                 {"Named", Node::array({1})},
                                 {"Flat", Node::array({1, 2})}});
    auto answer = aws::render_query(kQuery, call("Do"), reply);
    CHECK(answer.body ==
          "<DoResponse "
          "xmlns=\"http://x/\"><DoResult><A>&lt;&amp;&gt;</A><L><member>x</member><member><K>1</"
          "K></member></L><E/>"
          "<B>true</B><Named><Item>1</Item></Named><Flat>1</Flat><Flat>2</Flat></"
          "DoResult><ResponseMetadata><RequestId>id-1"
          "</RequestId></ResponseMetadata></DoResponse>");
    CHECK(answer.headers.get("content-type") == "text/xml");
    CHECK(answer.headers.get("x-amzn-requestid") == "id-1");
    CHECK(aws::render_query(kQuery, call("Do"), {}).body.find("<DoResult/>") != std::string::npos);
    auto error = aws::render_query_error(
        kQuery, call("Do"),
        aws::Error(400, "TargetGroupNotFound", "One & more").with("Extra", "e"));
    CHECK(error.status == 400);
    CHECK(error.body ==
          "<ErrorResponse "
          "xmlns=\"http://x/\"><Error><Type>Sender</Type><Code>TargetGroupNotFound</"
          "Code><Message>One &amp; more"
          "</Message><Extra>e</Extra></Error><RequestId>id-1</RequestId></ErrorResponse>");
}

TEST_CASE("JSON answers and errors (ecs-ecr.md §1)") {
    aws::Reply reply;
    CHECK(aws::render_json(kJson, call("Do"), reply).body == "{}");
    reply.output = Node::object({{"a", 1}});
    auto answer = aws::render_json(kJson, call("Do"), reply);
    CHECK(answer.body == R"({"a":1})");
    CHECK(answer.headers.get("content-type") == "application/x-amz-json-1.1");
    auto error =
        aws::render_json_error(kJson, call("Do"), aws::Error(400, "ClientException", "no"));
    CHECK(error.body == R"({"__type":"ClientException","message":"no"})");
    CHECK(error.headers.get("x-amzn-errortype") == "ClientException");
}

TEST_CASE("REST-XML answers and errors (cloudfront.md §8.1)") {
    aws::Reply reply;
    reply.status = 204;
    CHECK(aws::render_rest_xml(kRest, call("Do"), reply).body.empty());
    reply.root = "Distribution";
    reply.output = Node::object({{"Id", "E1"}});
    CHECK(aws::render_rest_xml(kRest, call("Do"), reply).body ==
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Distribution "
          "xmlns=\"http://cf/\"><Id>E1</Id></Distribution>");
    CHECK(
        aws::render_rest_xml_error(kRest, call("Do"), aws::Error(404, "NoSuchDistribution", "gone"))
            .body ==
        "<?xml version=\"1.0\"?>\n<ErrorResponse "
        "xmlns=\"http://cf/\"><Error><Type>Sender</Type><Code>NoSuchDistribution</Code>"
        "<Message>gone</Message></Error><RequestId>id-1</RequestId></ErrorResponse>");
}

TEST_CASE("XML documents become trees") {
    struct Row {
        std::string_view text, expected;
    };
    auto row = GENERATE(values<Row>({
        {"<D><A>1</A><B> x </B></D>", R"({"A":"1","B":" x "})"},
        {"<?xml version='1.0'?>\n<!-- c --><D xmlns='http://x/'>\n <A/>\n</D>\n", R"({"A":""})"},
        {"<D><Aliases><Quantity>1</Quantity><Items><CNAME>a</CNAME></Items></Aliases></D>",
         R"({"Aliases":{"Quantity":"1","Items":["a"]}})"},
        {"<D><Aliases><Items/></Aliases></D>", R"({"Aliases":{"Items":[]}})"},
        {"<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet><Object><Key>b</Key></Object></"
         "Delete>",
         R"({"Object":[{"Key":"a"},{"Key":"b"}],"Quiet":"true"})"},
        {"<n:D xmlns:n='x'><n:A>1</n:A></n:D>", R"({"A":"1"})"},
        {"<D><G xmlns:xsi='i' xsi:type='User'><ID>1</ID></G></D>",
         R"({"G":{"@xsi:type":"User","ID":"1"}})"},
        {"<D><A t='1'>x</A></D>", R"({"A":{"@t":"1","#text":"x"}})"},
        {"<D><A>a&amp;b&#x41;<![CDATA[<]]></A></D>", R"({"A":"a&bA<"})"},
        {"<D>text</D>", R"("text")"},
        {"<D><A> </A></D>", R"({"A":" "})"},
        {"\xEF\xBB\xBF<D/>", R"("")"},
    }));
    CAPTURE(row.text);
    CHECK(xml(row.text) == row.expected);
}

TEST_CASE("hostile XML is refused") {
    for (std::string_view text :
         {"", " ", "x", "<", "<D>", "<D></E>", "<D/><D/>", "<D><A>1</A><A>2</A></D>",
          "<D>x<A/></D>", "<!DOCTYPE D><D/>",
          "<!DOCTYPE D [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><D>&b;</D>", "<D>\xff</D>",
          "<D><Aliases><Items><X/></Items></Aliases></D>", "<D a='1' a='2'", "<D><![CDATA[x</D>",
          "<?xml version='1.0' encoding='UTF-16'?"}) {
        CAPTURE(text);
        CHECK(xml(text).starts_with("error: "));
    }
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "<a>";
    CHECK(xml(deep).starts_with("error: "));
    std::string closed;
    for (int i = 0; i < 1000; ++i)
        closed += "<a>";
    for (int i = 0; i < 1000; ++i)
        closed += "</a>";
    CHECK(xml(closed) == "error: elements are nested too deeply");
    CHECK(xml("<D>" + std::string(aws::kMaxXmlBytes, 'x') + "</D>") ==
          "error: the document is too large");
    // Entities of its own cannot be declared, so an unknown one stays a text.
    CHECK(xml("<D>&b;</D>") == R"("&b;")");
}

TEST_CASE("XML writing mirrors reading") {
    std::string lists = "Aliases.Items=CNAME\nDelete.Object=\n";
    std::string text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete "
        "xmlns=\"n\"><Object><Key>a&#x1;</Key></Object><Object><Key>é</Key>"
        "</Object><Aliases><Items><CNAME>x</CNAME></Items></Aliases><G "
        "xsi:type=\"User\">t</G></Delete>";
    auto tree = Node::object(
        {{"Object", Node::array({Node::object({{"Key", "a\x01"}}), Node::object({{"Key", "é"}})})},
         {"Aliases", Node::object({{"Items", Node::array({"x"})}})},
         {"G", Node::object({{"@xsi:type", "User"}, {"#text", "t"}})}});
    CHECK(aws::to_xml("Delete", "n", tree, lists) == text);
    CHECK(*aws::parse_xml(text, lists) == tree);
    // The Query protocol's lists need no names.
    CHECK(base::to_json(*aws::parse_xml("<R><L><member>a</member><member>b</member></L></R>",
                                        "")) == R"({"L":["a","b"]})");
    CHECK(aws::xml_escape("<\"'\r\xff>") == "&lt;&quot;'&#xD;\xEF\xBF\xBD&gt;");
}

TEST_CASE("ARNs") {
    auto arn = aws::parse_arn("arn:aws:logs:eu-west-1:111122223333:log-group:a:b");
    REQUIRE(arn);
    CHECK(arn->resource == "log-group:a:b");
    CHECK(arn->to_string() == "arn:aws:logs:eu-west-1:111122223333:log-group:a:b");
    CHECK(aws::parse_arn("arn:aws:s3:::bucket/key")->resource == "bucket/key");
    CHECK(aws::make_arn("s3", "", "", "b") == "arn:aws:s3:::b");
    for (std::string_view wrong : {"", "arn", "arn:aws:s3::", "arn:aws:s3:::", "urn:aws:s3:::b",
                                   "arn::s3:::b", "arn:aws::::b"})
        CHECK(!aws::parse_arn(wrong));
}

TEST_CASE("URI patterns") {
    struct Row {
        std::string_view pattern, path;
        bool matches;
        std::string_view id;
    };
    auto row = GENERATE(values<Row>({
        {"/d/{Id}", "/d/E1", true, "E1"},
        {"/d/{Id}", "/d/E1/", true, "E1"},
        {"/d/{Id}", "/d/a%2Fb", true, "a/b"},
        {"/d/{Id}", "/d/", false, ""},
        {"/d/{Id}", "/d", false, ""},
        {"/d/{Id}", "/d/a/b", false, ""},
        {"/d/{Id}/config", "/d/E1/config", true, "E1"},
        {"/d/{Id}/config", "/d//config", false, ""},
        {"/{Id+}", "/a/b%20c/", true, "a/b c/"},
        {"/", "/", true, ""},
        {"/d", "/d", true, ""},
        {"/d", "/D", false, ""},
        {"/d", "d", false, ""},
        {"/d", "", false, ""},
    }));
    CAPTURE(row.pattern, row.path);
    std::map<std::string, std::string, std::less<>> parameters;
    CHECK(aws::match_uri(row.pattern, row.path, parameters) == row.matches);
    if (row.matches && !row.id.empty()) CHECK(parameters["Id"] == row.id);
    std::map<std::string, std::string, std::less<>> query{{"tagging", ""}, {"list-type", "2"}};
    CHECK(aws::match_discriminator("", query));
    CHECK(aws::match_discriminator("?tagging", query));
    CHECK(aws::match_discriminator("list-type=2", query));
    CHECK(!aws::match_discriminator("list-type=1", query));
    CHECK(!aws::match_discriminator("acl", query));
}
