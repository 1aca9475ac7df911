// Judges the documents of a server: `judge.mjs FOLDER` reads openapi.json and asyncapi.json and says on stderr what is
// wrong with them. AsyncAPI's own parser reads the one; of both, each example must fit the schema beside it. So must what
// services have answered to commands, in answers.json by the names of messages.
import { readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'
import Ajv2020 from 'ajv/dist/2020.js'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'

const folder = process.argv[2]
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'))
const wrong = []
let examples = 0

function judge(ajv, root, pointer, example) {
    examples += 1
    const validate = ajv.compile({ $ref: `${root}#${pointer}` })
    if (!validate(example)) wrong.push(`${root}${pointer}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(example)}`)
}

const escaped = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1')

// Sizes of integers are formats of ours; JSON Schema leaves unknown ones to be passed over.
function prepared(ajv, root, document) {
    addFormats(ajv)
    for (const name of ['uint16', 'uint32', 'uint64', 'uint', 'int64', 'double', 'ip']) ajv.addFormat(name, true)
    ajv.addSchema({ $id: root, ...document }, root, undefined, false)
    return ajv
}

const openapi = read('openapi')
const rest = prepared(new Ajv2020({ strict: false, validateSchema: false }), 'openapi.json', { ...openapi })
for (const [path, methods] of Object.entries(openapi.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
        const at = `/paths/${escaped(path)}/${method}`
        const places = [[`${at}/requestBody`, operation.requestBody]]
        for (const [status, response] of Object.entries(operation.responses)) places.push([`${at}/responses/${status}`, response])
        for (const [place, holder] of places) {
            const content = holder?.content?.['application/json']
            if (!content) continue
            if (content.example === undefined) wrong.push(`${place}: no example`)
            else judge(rest, 'openapi.json', `${place}/content/application~1json/schema`, content.example)
        }
    }
}

const text = readFileSync(`${folder}/asyncapi.json`, 'utf8')
const { document, diagnostics } = await new Parser().parse(text)
for (const { severity, message, path } of diagnostics) {
    if (severity === 0) wrong.push(`asyncapi.json: ${path.join('/')}: ${message}`)
}
if (!document) wrong.push('asyncapi.json: cannot be read')
const asyncapi = JSON.parse(text)
const socket = prepared(new Ajv({ strict: false, validateSchema: false }), 'asyncapi.json', { ...asyncapi })
for (const [name, message] of Object.entries(asyncapi.components.messages)) {
    for (const { payload } of message.examples) judge(socket, 'asyncapi.json', `/components/messages/${escaped(name)}/payload`, payload)
}
const answers = Object.entries(read('answers'))
for (const [name, answer] of answers) judge(socket, 'asyncapi.json', `/components/messages/${escaped(name)}/payload`, answer)

for (const line of wrong) console.error(`check-documents: ${line}`)
console.error(`check-documents: ${examples - answers.length} examples, ${document?.messages().length ?? 0} messages, ${answers.length} answers of services: ${wrong.length} things wrong`)
process.exit(wrong.length === 0 ? 0 : 1)
