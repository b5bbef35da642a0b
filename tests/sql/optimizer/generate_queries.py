#!/usr/bin/env python3
"""Random joins, derived tables, CTEs, windows, orders and limits, answered by SQLite.

    generate_queries.py SEED COUNT FILE [ROWS]
"""
import random,sqlite3,sys,time
seed=int(sys.argv[1]); n=int(sys.argv[2]); out=open(sys.argv[3],'w')
R=random.Random(seed)
db=sqlite3.connect(':memory:')
def ex(s):
    db.execute(s); out.write("statement ok\n%s\n\n"%s)
for t in ('t1','t2','t3'):
    ex("CREATE TABLE %s(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER NOT NULL)"%t)
ex("CREATE INDEX t1a ON t1(a)"); ex("CREATE INDEX t2ab ON t2(a,b)"); ex("CREATE UNIQUE INDEX t3bc ON t3(b,c,id)"); ex("CREATE INDEX t1bd ON t1(b DESC, c)")
for t,k in (('t1',int(sys.argv[4]) if len(sys.argv)>4 else 40),('t2',60),('t3',15)):
    rows=[]
    for i in range(1,k+1):
        v=lambda: 'NULL' if R.random()<0.12 else str(R.randint(0,9))
        rows.append("(%d,%s,%s,%d)"%(i,v(),v(),R.randint(0,9)))
    ex("INSERT INTO %s VALUES %s"%(t,",".join(rows)))
c=[0]
def al():
    c[0]+=1; return 'y%d'%c[0]
COL=['a','b','c','id']
def pred(A):
    r=R.random(); x=R.choice(A)+'.'+R.choice(COL)
    if r<.2: return '%s IN (%s)'%(x,', '.join(str(R.randint(0,12)) for _ in range(R.randint(1,4))))
    if r<.35: return '%s BETWEEN %d AND %d'%(x,R.randint(0,5),R.randint(3,12))
    if r<.45: return '(%s OR %s)'%(pred(A),pred(A))
    if r<.5: return '%s IS %sNULL'%(x,R.choice(['','NOT ']))
    if r<.55: return 'NOT (%s)'%pred(A)
    if r<.6: return '((%s AND %s) OR (%s AND %s))'%(pred(A),pred(A),pred(A),pred(A))
    if r<.7: return '%s %s %s'%(x,R.choice(['=','<','>=']),R.choice(A)+'.'+R.choice(COL))
    if r<.75: return '%s %s %s'%(R.randint(0,9),R.choice(['=','<','>=']),x)
    if r<.8: return 'coalesce(%s, %d) %s %d'%(x,R.randint(0,5),R.choice(['=','>']),R.randint(0,5))
    return '%s %s %d'%(x,R.choice(['=','=','<','>','<=','>=','<>']),R.randint(0,10))
def source(d,ctes):
    r=R.random()
    if ctes and r<.35: return R.choice(ctes)
    if d>0 and r<.6: return '(%s)'%derived(d-1,ctes)
    return R.choice(['t1','t2','t3'])
def derived(d,ctes):
    r=R.random()
    a=al(); s=source(d,ctes)
    w=' WHERE '+pred([a]) if R.random()<.6 else ''
    if r<.2: return 'SELECT %s.a AS a, max(%s.b) AS b, count(*) AS c, min(%s.id) AS id FROM %s %s%s GROUP BY %s.a'%(a,a,a,s,a,w,a)
    if r<.35:
        return 'SELECT %s.id AS id, %s.a AS a, row_number() OVER (PARTITION BY %s.a ORDER BY %s.id, %s.c, %s.b) AS b, sum(%s.c) OVER (PARTITION BY %s.a) AS c FROM %s %s%s'%(a,a,a,a,a,a,a,a,s,a,w)
    if r<.5:
        e=al(); s2=source(d-1,ctes)
        return 'SELECT a, b, c, id FROM %s %s%s %s SELECT a, b, c, id FROM %s %s'%(s,a,w,R.choice(['UNION','UNION ALL','EXCEPT','INTERSECT']),s2,e)
    if r<.6: return 'SELECT DISTINCT %s.a AS a, %s.b AS b, %s.c AS c, 1 AS id FROM %s %s%s'%(a,a,a,s,a,w)
    if r<.75 and s[0]=='t': return 'SELECT * FROM (SELECT a, b, c, id FROM %s %s%s ORDER BY %s%s LIMIT %d%s)'%(s,a,w,R.choice(['a NULLS LAST','b DESC NULLS FIRST','c','a NULLS LAST, b NULLS LAST']),', id'+R.choice(['',' DESC']),R.randint(1,8),R.choice(['',' OFFSET 2']))
    return 'SELECT a, b, c, id FROM %s %s%s'%(s,a,w)
def frm(k,d,ctes):
    A=[];s=''
    for i in range(k):
        a=al(); src='%s %s'%(source(d,ctes),a)
        if i==0: s=src
        else:
            on='%s.%s = %s.%s'%(a,R.choice(COL),R.choice(A),R.choice(COL))
            if R.random()<.3: on+=' AND '+pred(A+[a])
            j=R.choice(['JOIN','JOIN','JOIN','LEFT JOIN','LEFT JOIN','RIGHT JOIN','FULL JOIN'])
            s+=' %s %s ON %s'%(j,src,on)
        A.append(a)
    return s,A
def query():
    ctes=[];w=''
    if R.random()<.3:
        parts=[]
        for _ in range(R.randint(1,2)):
            nm='w%d'%R.randint(100,99999); parts.append('%s AS (%s)'%(nm,derived(1,ctes))); ctes.append(nm)
        w='WITH '+', '.join(parts)+' '
    r=R.random()
    if r<.3: # ordered
        t=R.choice(['t1','t2','t3']);a=al()
        wh=' WHERE '+' AND '.join(pred([a]) for _ in range(R.randint(1,2))) if R.random()<.7 else ''
        o=R.choice(['id','id DESC','a, id','a DESC, id','a, b, id','a DESC, b DESC, id','b DESC, c, id','b, c DESC, id','c, id'])
        o=', '.join('%s NULLS %s'%(x,'FIRST' if x.endswith('DESC') else 'LAST') for x in o.split(', '))
        return 'SELECT id, a, b, c FROM %s %s%s ORDER BY %s%s'%(t,a,wh,o,R.choice(['',' LIMIT %d'%R.randint(1,20),' LIMIT %d OFFSET %d'%(R.randint(1,9),R.randint(0,9))])),4,'nosort'
    s,A=frm(R.choice([1,2,2,3,3,4]),1,ctes)
    wh=' WHERE '+' AND '.join(pred(A) for _ in range(R.randint(1,3))) if R.random()<.8 else ''
    if r<.5:
        k=R.choice(A)+'.'+R.choice(COL); g=R.choice(A)+'.'+R.choice(COL); 
        return w+'SELECT %s, count(*), sum(%s), count(DISTINCT %s), min(%s) FROM %s%s GROUP BY %s'%(k,g,g,g,s,wh,k)+(' HAVING %s > 2'%R.choice([k,'count(*)','max(%s)'%g]) if R.random()<.5 else ''),5,'rowsort'
    if r<.55: return w+'SELECT %s, %s FROM %s%s'%(R.choice(['max','min'])+'(%s)'%(R.choice(A)+'.'+R.choice(COL)),'count(*)',s,wh),2,'rowsort'
    cs=[R.choice(A)+'.'+R.choice(COL) for _ in range(R.randint(1,3))]
    return w+'SELECT %s%s FROM %s%s'%(R.choice(['','','','DISTINCT ']),', '.join(cs),s,wh),len(cs),'rowsort'
done=0;kept=[]
while done<n:
    q,k,mode=query()
    t0=time.time()
    db.set_progress_handler(lambda: 1 if time.time()-t0>0.3 else 0,10000)
    try: rows=db.execute(q).fetchall()
    except Exception as e:
        if 'interrupt' not in str(e) and 'ambig' not in str(e) and done==0: print(e,q)
        continue
    if len(rows)>400: continue
    if any(isinstance(v,(float,str)) for r in rows for v in r): continue
    kept.append("query %s %s\n%s\n----\n"%('I'*k,mode,q))
    f=lambda v:'NULL' if v is None else str(v)
    rows=[[f(v) for v in r] for r in rows]
    if mode=='rowsort': rows.sort()
    for r in rows: kept.append("\n".join(r)+"\n")
    kept.append("\n"); done+=1
out.write("".join(kept)); out.close()
