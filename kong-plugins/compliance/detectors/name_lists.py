# ruff: noqa: SIM905  (words are easier to read without quotes)
"""Frequent given names and surnames, by census lists of the United States and what is frequent elsewhere.

`COMMON_WORDS` among them are words or places too; alone, or in lower case, they name nobody.
"""

from __future__ import annotations

from typing import Final

GIVEN: Final = frozenset(
    """
aaron abby abdul abdullah abigail abraham ada adam adrian adriana adriano agnes ahmad ahmed aisha akash
akira alan albert alberto alejandra alejandro alessandro alex alexander alexandra alexis alfonso alfred ali
alice alicia alisha alison allan allen allison alma alvin alyssa amanda amara amber amelia amina amir amit
amy ana ananya andre andrea andreas andrei andres andrew angel angela angelica angelina anil anita anjali
ann anna anne annette annie anthony antoine anton antonio april archie ariana ariel arjun arlene armando
arnold arthur arturo asha ashley ashok astrid aubrey audrey austin ava ayesha barbara barry beatrice beatriz
becky ben benjamin bernadette bernard bernice beth bethany betty beverly bianca bill billie billy blake bob
bobby bonnie boris brad bradley brandon brandy brenda brendan brent brett brian brianna bridget brittany
brooke bruce bruno bryan bryce byron caleb calvin cameron camila camille carl carla carlos carmen carol
carole caroline carolyn carrie carter casey cassandra catalina catherine cathy cecilia cedric celeste celia
cesar chad chandra charlene charles charlie charlotte chase chelsea cheng cheryl chester chiara chidi
chinedu chloe chris christian christina christine christopher chukwu cindy claire clara clarence clark
claude claudia clayton clifford clinton clyde cody colin colleen connie connor conrad constance corey craig
cristian cristina crystal curtis cynthia daisy dale damian damien dan dana daniel daniela danielle danny
daria darius darlene darnell darren darryl dave david dawn dean deanna debbie deborah debra deepak delores
denis denise dennis derek derrick deshawn desmond devon diana diane diego dimitri dina dinesh diya dmitri
dolores dominic dominique don donald donna dora doreen doris dorothy doug douglas duane duncan dustin dwayne
dylan earl eddie edgar edith edmund edna eduardo edward edwin eileen elaine eleanor elena elias elijah elisa
elisabeth eliza elizabeth ella ellen ellie elmer elsa elsie emeka emilia emilio emily emma emmanuel enrique
eric erica erik erika erin ernest ernesto esmeralda esther ethan eugene eunice eva evan evelyn ezekiel
fabian faith farah fatima faye felicia felipe felix fernanda fernando fiona florence frances francesca
francesco francis francisco frank franklin fred freddie frederick gabriel gabriela gabriella gail garrett
gary gavin gemma gene geoffrey george georgia gerald geraldine gerard german gilbert gina giovanni giulia
gladys glen glenda glenn gloria gordon grace graham grant greg gregory greta gretchen guadalupe guillermo
gustavo guy gwen gwendolyn hailey hakim hamza hannah hans harold harriet harris harry harvey hassan hazel
heather hector heidi helen helena helga henrik henry herbert herman hilda hiroshi holly hope howard hugh
hugo hussein ian ibrahim ida ignacio igor imani imran ingrid irene iris irma isaac isabel isabella isaiah
ismail ivan ivy jack jackie jackson jacob jacqueline jaime jake jamal james jamie jan jana jane janet janice
jared jasmine jason javier jay jean jeanette jeanne jeff jeffery jeffrey jenna jennifer jenny jeremiah
jeremy jermaine jerome jerry jesse jessica jessie jesus jill jim jimmy jin jing jo joan joann joanna joanne
joaquin jodi joe joel joey johanna johannes john johnny jon jonas jonathan jordan jorge jose josef joseph
josephine josh joshua joy joyce juan juana juanita judith judy julia julian juliana julie juliet julio
julius jun june justin kamal kara karen karim karin karl karla kate katherine kathleen kathryn kathy katie
katrina kavita kay kayla keisha keith kelly kelsey ken kendra kenji kenneth kenny kent kerry kevin khadija
khalid kim kimberly kira kirk kofi krista kristen kristin kristina kumar kurt kwame kyle lakshmi lamar lana
lance larry latisha latoya laura lauren laurie lawrence leah lee leila lena leo leon leonard leonardo leroy
leslie leticia lewis liam lila lillian lily lina linda lindsay lindsey lionel lisa liz lloyd logan lois lola
lonnie lorena lorenzo loretta lori lorraine louis louise lucas lucia lucille lucy luis luisa luke luna luz
lydia lyle lynn mabel mackenzie madeline madison magdalena maggie mahmoud malcolm malik manoj manuel marc
marcel marcia marco marcos marcus margaret margarita maria mariah mariam marian mariana marie marilyn mario
marion marisol marissa marjorie mark marlene marquis marsha marshall marta martha martin martina marvin mary
mason mateo matt matthew mattie maureen maurice max maxine may maya mei melanie melinda melissa melvin
mercedes meredith micah michael michaela michele michelle miguel mikhail mildred miles milton mindy ming
minh miranda miriam misty mitchell mohamed mohammad mohammed mohan moira molly monica monique morgan morris
moses muhammad muriel myra myrtle nadia nadine naomi natalia natalie natasha nathan nathaniel neha neil
nellie nelson ngozi nguyen nicholas nichole nick nicola nicole nigel nikhil nikita nikolai nina noah noel
noemi nora norma norman oksana olga oliver olivia olumide omar oscar otto owen pablo paige pamela paola
patricia patrick patsy patty paul paula pauline pearl pedro peggy penelope penny percy perry pete peter
petra phil philip phillip phoebe phyllis pierre pooja prakash preston priscilla priya quentin rachel rafael
rahul raj rajesh rakesh ralph ramon ramona randall randy raquel rashid raul ravi ray raymond rebecca regina
reginald rekha rene renee rex reyna rhonda ricardo richard rick ricky riley rita rob robert roberta roberto
robin rochelle rocio roderick rodney rodrigo roger rohan roland roman ron ronald ronnie rosa rosalie rose
rosemary rosie ross roxanne roy ruben ruby rudolf rudy russell ruth ryan sabrina sadie salim sally salma
salvador sam samantha samir samuel sana sandeep sandra sandy sanjay santiago sara sarah sasha saul savannah
scott sean sebastian selena sergei sergio seth shana shane shanice shanika shannon sharon shaun shawn sheila
shelby shelley sherri sherry shirley sidney sierra silvia simon simone sofia sonia sonya sophia sophie
spencer stacey stacy stan stanley stefan stefanie stella stephanie stephen steve steven stewart stuart sue
summer sunil sunita suresh susan susana susanne suzanne sven svetlana sydney sylvia tamara tamika tammy
tanya tara tariq tatiana taylor ted terence teresa terrance terrence terri terry tessa thelma theo theodore
theresa thomas tiffany tim timothy tina todd tom tomas tommy toni tony tonya tracey traci tracy travis
trevor tricia trisha tristan troy tyler tyrone ursula valentina valerie vanessa vera verna vernon veronica
vicki vicky victor victoria vijay vikram vincent viola violet virginia vivian vladimir wade walter wanda
warren wayne wei wendell wendy wesley whitney wilhelm will willard william willie wilma winifred winston
wolfgang xavier ximena xin yan yasmin yolanda yuki yusuf yvette yvonne zachary zainab zeynep zoe
""".split()
)

SURNAMES: Final = frozenset(
    """
abbott abdi abdullah abubakar acosta adams adeyemi aguilar ahmed akhtar alexander ali allen alvarado alvarez
anderson andersson andrews arnold ashworth atkinson austin ayala baker banerjee barnes barnett barrett bauer
beck becker bell bennett berg bergmann berry bianchi bishop black blackwell bloom bowman boyd bradley brady
brewer brooks brown bryant burke burns burton bush butler byrne cabrera calderon caldwell campbell campos
cannon cardenas carlson carpenter carr carroll carter castillo castro cervantes chan chandler chang chapman
chatterjee chavez chen cheng choi chopra chowdhury christensen chu clark clarke cohen cole coleman collins
combs contreras cook cooper cortez costa cox craig crawford cruz cunningham curtis dalton daniels davidson
davies davis dawson day dean delacruz delgado desai diaz dixon dominguez douglas doyle duarte dubois duncan
dunn dupont edwards eklund elliott ellis erickson eriksson escobar espinoza estrada evans farrell fernandes
fernandez ferrari fields figueroa fischer fisher fitzgerald fleming flores flynn ford foster fowler fox
franco frank franklin frazier freeman fuentes fuller gallagher garcia gardner garrett garza george gibbs
gibson gilbert gill goldberg gomez gonzales gonzalez goodwin gordon graham grant graves gray green greenberg
greene griffin gross guerrero gupta gutierrez guzman hale hall hamilton hammond hansen hanson hansson hardy
harper harrington harris harrison hart harvey hassan hawkins hayes henderson henry hernandez herrera hicks
higgins hill ho hoffman holland holmes holt hopkins horton howard howell huang hubbard hudson hughes hunt
hunter hussain ibarra ibrahim ingram iyer jackson jacobs jacobson james jankowski jansen jenkins jennings
jensen jimenez johansson johnson johnston jones jordan joseph joshi juarez kaminski kapoor kaur kelley kelly
kennedy khan kim king klein knight kowalczyk kowalski kozlov kumar lambert lane lang larsen larson lawrence
lawson le leblanc lee leon leonard lewandowski lewis li lin lindberg lindgren little liu logan long lopez
lowe lucas luna lynch macdonald mack maldonado malik malone mann manning marquez marsh marshall martin
martinez mason matthews may mbeki mccarthy mccoy mcdonald mcgee mckenzie mckinney mclaughlin medina mehta
mejia melendez mendez mendoza mensah mercado meyer meyers miller mills miranda mitchell mohamed molina
montgomery montoya moore morales moran moreau moreno moretti morgan morris morrison morrow moss muller
mullins munoz murphy murray myers nair nakamura nash navarro nelson neumann newman newton ng nguyen nichols
nielsen nilsson nkrumah norris novak nowak nunez obrien ochoa oconnor okafor okeke okonkwo oliveira oliver
olsen olson oneill ortega ortiz osborne owens pacheco padilla page palmer park parker parsons patel
patterson paul payne pearson pena perez perkins perry petersen peterson petrov pham phillips pierce pittman
popescu popov porter potter powell powers price quinn raman ramirez ramos ramsey rao reddy reed reid reilly
reyes reynolds rhodes ribeiro rice richards richardson riley rios rivas rivera robbins roberts robertson
robinson rodgers rodriguez rogers rojas romano romero rosales rosario rose rosen rosenberg ross rossi rowe
roy rubio ruiz russell russo ryan saito salazar salinas sanchez sanders sandoval santana santiago santos
sato saunders schmidt schneider schroeder schultz schulz schwartz scott serrano shah shapiro sharma sharp
shaw shelton shepherd sherman silva silverstein simmons simon simpson sims singh singleton smirnov smith
snyder solis solomon soto sousa sparks spencer stanley steele stein stephens stevens stevenson stewart stone
strickland suarez sullivan sutton suzuki swanson takahashi tan tanaka tate taylor terry thomas thompson
thornton torres townsend tran trevino trujillo tucker turner valdez valencia vance vargas vasquez vaughn
vazquez vega velasquez volkov wagner walker wallace walsh walters walton wang ward warren washington
watanabe waters watkins watson watts weaver webb weber webster weiss welch wells west whitaker white
whitfield wiley wilkins williams williamson willis wilson wolf wong wood woods wright wu xu yamamoto yang
yilmaz york young yu zamora zapata zhang zhao zhou ziegler zimmerman
""".split()
)

COMMON_WORDS: Final = frozenset(
    """
abraham alma amber angel april ariel aubrey austin ava bill bishop black blake bloom brady brooke brooks
brown bush butler carpenter carr carter case chan chance chandler charlotte chase chelsea christian chu clay
cole cook cooper cox cross crystal daisy dale dawn day dean don drew earl eugene faith fields fisher
florence ford forest foster fox franco frank franklin freeman gardner gene georgia german grace grant graves
gray green gross guy hale hall hardy harper hart harvey hazel heather hill ho holland holly holt hope hunt
hunter iris ivy jack jackson jan jay jean jo jordan joy jun june kay kent kim king knight lance lane lang le
lee leon li lin little logan london long love luna luz lynch mack madison mann mark marsh marshall mason max
may mercedes miles mills miranda misty moran morgan moss nelson newman newton ng norman oliver page paris
park parker parsons pat paul payne pearl penny perry porter potter powers preston price ray reed regina rex
rice rich rios river rob robin roman rose ross ruby sage sandy santiago savannah scott sharp shepherd
sherman sidney sierra sims singleton sparks spencer steele stone sue summer sydney tan tate taylor terry
trinity troy tucker turner valencia vance victor victoria viola violet virginia wade walker wang ward warren
washington waters wayne weaver wells west white will wolf wood woods xin yan york young yu
""".split()
)
